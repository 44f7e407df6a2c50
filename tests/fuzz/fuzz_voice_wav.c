/*
 * WAV files, as an operator has them or a speech program leaves them.
 *
 * Beyond not crashing: what is read lies in the file, to its last sample.
 */
#include "../../plugins/voice/wav.h"

#include <stdlib.h>
#include <string.h>

#define must(x)                                                                                              \
    do {                                                                                                     \
        if (!(x))                                                                                            \
            abort();                                                                                         \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size ? size : 1);
    int16_t *out;
    struct wav w;

    must(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    if (!wav_read((struct hilo_str){copy, size}, &w)) {
        must(w.channels == 1 || w.channels == 2);
        must(w.rate >= WAV_RATE_MIN && w.rate <= WAV_RATE_MAX);
        must(w.data.p >= copy && w.data.p + w.data.n <= copy + size);
        out = malloc((w.n ? w.n : 1) * sizeof *out);
        must(out != NULL);
        wav_mono(&w, 0, w.n, out);
        wav_channel(&w, w.channels - 1, 0, w.n, out);
        free(out);
    }
    free(copy);
    return 0;
}
