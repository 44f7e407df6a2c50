/* The bounds of histograms. */
#include "base/hist.h"

const uint32_t hist_time_us[HIST_BOUNDS] = {100,   250,    500,    1000,    2500,    5000,     10000,
                                            50000, 100000, 500000, 1000000, 5000000, 10000000, 30000000};
const uint32_t hist_size[HIST_BOUNDS] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192};
