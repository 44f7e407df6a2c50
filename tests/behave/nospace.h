/*
 * What nospace.so, preloaded into the gateway, and its test share: a file that both map.
 * $HILO_NOSPACE names it.
 */
#ifndef TESTS_NOSPACE_H
#define TESTS_NOSPACE_H

#include <stdatomic.h>
#include <stdint.h>

struct nospace {
    char dir[256]; /* the folder that is meant; set before the gateway starts */
    /* Set by the test: */
    atomic_uint full;    /* 1: all that needs room is refused; 2: only segments of the journal */
    _Atomic uint64_t at; /* the call of this number (from 1) is refused; 0: none */
    atomic_uint stays;   /* from it on the disk is full */
    /* Counted: */
    _Atomic uint64_t calls;   /* that write or make something in the folder */
    _Atomic uint64_t refused; /* of these */
    char what[256];           /* the call that was refused because of its number */
};

#endif
