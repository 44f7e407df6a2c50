/*
 * What settime.so, preloaded into the gateway, and its test share: a file that both map
 * ($HILO_CLOCK), and a FIFO beside it ("….set") that tells the gateway of each change, as
 * timerfd does of a clock that was set.
 */
#ifndef TESTS_SETTIME_H
#define TESTS_SETTIME_H

#include <stdatomic.h>
#include <stdint.h>

struct settime {
    _Atomic int64_t offset_us; /* of the gateway's wall clock to the machine's */
};

#endif
