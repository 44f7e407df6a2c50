/*
 * Receipt printers on the network (raw TCP, usually port 9100), one queue each.
 *
 * The option `printers` names them, by store or terminal, separated by spaces:
 *
 *   CENTRO=10.0.0.5 CENTRO/3=10.0.0.6:9100/58mm/cp850=2 NORTE=[fd00::5]:9100/raster/nostatus
 *
 *   58mm | 80mm (default)   32 columns on 384 dots; 48 on 576
 *   columns=N, dots=N       for other papers
 *   cp858 (default) | cp850 | cp1252, with =N: the printer's own number of that page
 *   raster                  codes as pictures, for printers that can't make them
 *   cut=full | partial | none   whatever the slip says; default: what it says
 *   nostatus                it never answers a status request
 *   confirm=status          it answers those, but not the question in order behind the slip (GS r)
 *   asb                     it tells its status unasked (Automatic Status Back): its connection is held
 *   unknown=again           what may have been printed is printed again (default: ask, a person)
 *
 * A terminal's own printer goes before its store's. Printers are named by address, not by name:
 * they are asked in the turn of a till's request, which no name server may delay.
 *
 * A job: queued (on disk, pos_print() was answered by accepted()) -> printing (on disk before
 * the first byte) -> printed | failed | unknown, reported once by done(). A write that succeeds
 * is not a print: printed means that the printer, asked in the same stream behind the slip
 * (GS r), has answered, and that its status is well after it. With nostatus: that it took all
 * bytes (confirmed: false). failed: nothing of it was sent, or the printer had refused before;
 * unknown: bytes left, and the printer's answer never came, or the gateway ended meanwhile.
 *
 * Durability is the plugin's own keys of the context (`CHANNEL/print/PRINTER`), one value
 * for each printer. All [own] loop.
 */
#ifndef POS_PRINTER_H
#define POS_PRINTER_H

#include "escpos.h"

#include <hilo/plugin.h>

enum {
    POS_PRINTERS_MAX = 256,
    POS_PRINT_QUEUE = 32, /* jobs of one printer that are not done */
    POS_PRINT_ID_MAX = 64
};

enum pos_print_outcome { POS_PRINT_PRINTED, POS_PRINT_FAILED, POS_PRINT_UNKNOWN };
/* "printed", "failed", "unknown". */
const char *pos_print_outcome_name(enum pos_print_outcome);

/* What a printer says of itself; several at once. */
enum {
    POS_PRINTER_OFFLINE = 1, /* it does not print, for a reason below or its switch */
    POS_PRINTER_COVER = 2,   /* open */
    POS_PRINTER_PAPER_OUT = 4,
    POS_PRINTER_PAPER_LOW = 8,    /* near its end; it prints */
    POS_PRINTER_CUTTER = 16,      /* the cutter is stuck */
    POS_PRINTER_ERROR = 32,       /* mechanical, or one that only switching off ends */
    POS_PRINTER_HOT = 64,         /* the head cools down; it goes on by itself */
    POS_PRINTER_UNREACHABLE = 128 /* no connection, or no answer */
};
/* Any of these, and it does not print. */
#define POS_PRINTER_STOPS                                                                                    \
    (POS_PRINTER_OFFLINE | POS_PRINTER_COVER | POS_PRINTER_PAPER_OUT | POS_PRINTER_CUTTER |                  \
     POS_PRINTER_ERROR | POS_PRINTER_HOT | POS_PRINTER_UNREACHABLE)
/* The word of the most telling bit ("paper_out", "cover_open", …), "ok" for none. */
const char *pos_printer_state_name(uint32_t state);

struct pos_print_job {
    struct hilo_str
        id; /* the asker's, 1 … POS_PRINT_ID_MAX bytes: the same id of the same terminal is one job */
    struct hilo_str store, terminal; /* who asks, and so where it is printed */
    struct hilo_str slip;            /* neutral slip, JSON */
};
struct pos_print_result {
    struct hilo_str id, store, terminal, printer; /* printer: "CENTRO/3", as the option names it */
    enum pos_print_outcome outcome;
    bool confirmed;     /* by the printer's own answer */
    const char *reason; /* of failed and unknown: "paper_out", "no_answer", "restarted", …; else "" */
};
/* What comes of it. May call pos_print(), not free. (A printer's state is a line of the log, printer.state.)
 */
struct pos_printers_events {
    /* Once for each pos_print() that gave HILO_OK: HILO_OK, it is on disk, in its place of the queue;
     * HILO_DUPLICATE, it was before; HILO_FULL, HILO_IO …: it is not taken. */
    void (*accepted)(void *arg, struct hilo_str store, struct hilo_str terminal, struct hilo_str id,
                     int32_t code);
    /* A job's end, once it is on disk. After a restart also those of before. May come twice for one
     * id when the gateway was killed in between. */
    void (*done)(void *arg, const struct pos_print_result *);
    /* A job that was accepted waits now for reason ("paper_out"), its printer having stopped; said once for
     * each change of what stops it. outcome is none. */
    void (*waits)(void *arg, const struct pos_print_result *);
};
struct pos_printers_conf {
    struct hilo_str printers;
    int64_t connect_us;  /* for a connection, and for an answer to a status request; 0: 5 s */
    int64_t print_us;    /* from the last byte to the printer's answer; 0: 60 s */
    int64_t patience_us; /* a job that can't be begun for so long has failed; 0: 10 min */
};

/* What is wrong with the option, in words that begin with its name; NULL: nothing. Pure, [any]. */
const char *pos_printers_wrong(struct hilo_str printers);

struct pos_printers;
/* tokens: the first of POS_PRINTER_TOKENS that it may use with the context; timer: the one id that
 * it uses. NULL: no memory, or an option that pos_printers_wrong() refuses. */
#define POS_PRINTER_TOKENS (UINT64_C(1) << 32)
struct pos_printers *pos_printers_new(const struct pos_printers_conf *, const struct hilo_host *,
                                      struct hilo_self *, uint64_t tokens, uint32_t timer,
                                      const struct pos_printers_events *, void *arg);
/* Reads what was queued; jobs asked for meanwhile wait for it. */
void pos_printers_start(struct pos_printers *);
/* Closes connections; what was being printed is unknown at the next start. */
void pos_printers_free(struct pos_printers **);

/* Whether a printer serves this terminal: its name ("CENTRO"), else empty. terminal may be empty. */
struct hilo_str pos_printer_of(const struct pos_printers *, struct hilo_str store, struct hilo_str terminal);
/* Its paper, for slip.render; pos_paper_default for a name that is none. */
struct pos_paper pos_printer_paper(const struct pos_printers *, struct hilo_str printer);
/* HILO_OK: accepted() comes. HILO_DUPLICATE: the printer has or had this job, done() came or will come for
 * it. HILO_NOTFOUND: no printer serves this terminal (push `print` to the terminal instead); HILO_INVALID:
 * the slip is none, why; HILO_FULL: so many wait already, or it drains. why is always set but with HILO_OK
 * and HILO_DUPLICATE. */
int32_t pos_print(struct pos_printers *, const struct pos_print_job *, char why[POS_SLIP_WORDS]);
/* No more jobs are taken or begun; what is being printed goes on. True: nothing is. */
bool pos_printers_drain(struct pos_printers *);

/* The host's callbacks; false: it is not of a printer. */
bool pos_printers_on_fd(struct pos_printers *, int32_t fd, uint32_t events);
bool pos_printers_on_timer(struct pos_printers *, uint32_t id);
bool pos_printers_on_context(struct pos_printers *, uint64_t token, int32_t code, struct hilo_str val,
                             uint64_t version);
void pos_printers_woken(struct pos_printers *); /* the link has room again */

#endif
