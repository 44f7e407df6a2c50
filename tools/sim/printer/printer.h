/*
 * A receipt printer without its sockets: what comes in, what it says, what lies on the paper.
 * It follows Epson's ESC/POS Command Reference and includes nothing of Hilo.
 */
#ifndef SIM_PRINTER_H
#define SIM_PRINTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BUFFER_MAX = 64 * 1024, RECEIPTS_MAX = 4096, CODE_MAX = 512, OUT_MAX = 1024 };

struct receipt {
    uint8_t *bytes; /* of its commands and texts */
    size_t n, cap;
    char *text; /* UTF-8 */
    size_t text_n, text_cap;
    char code[CODE_MAX]; /* what its QR code or barcode says */
    const char *kind;    /* "qr", "code128", "raster", "" */
    const char *cut;     /* "partial", "full", "none": fed, not cut; "": not finished */
};

struct printer {
    /* how it is; the control API says so */
    bool cover_open, paper_out, paper_low, offline, cutter, hot;
    bool silent;   /* answers nothing */
    bool no_order; /* knows no GS r */
    long rows;     /* of paper that are left; -1: enough */
    /* what came and is not printed: at from to n */
    uint8_t buffer[BUFFER_MAX];
    size_t at, n;
    unsigned page;       /* n of ESC t */
    char code[CODE_MAX]; /* stored by GS ( k */
    bool asb;
    /* what it has to say */
    uint8_t out[OUT_MAX];
    size_t out_n;
    /* what happened */
    struct receipt *receipt;
    size_t n_receipt;
    bool open; /* the last of them is being printed */
    unsigned asked, ordered, violations, kicks;
    char violated[160]; /* the last one, in words */
};

/* Bytes from a connection; how many it took (less than n: its buffer is full). */
size_t printer_take(struct printer *, const uint8_t *p, size_t n);
/* Prints what it can. After a change of how it is, too: it tells that if it was asked to. */
void printer_run(struct printer *);
void printer_changed(struct printer *);
bool printer_stopped(const struct printer *);

#endif
