/*
 * The printers of an instance, and who hears of their jobs: the terminal that asked, by the answer to
 * slip.print when the job is on disk, and by the push print.status for what becomes of it. All [own] loop.
 */
#ifndef POS_PRINTING_H
#define POS_PRINTING_H

#include "op.h"
#include "printer.h"

#define POS_PRINTING_TOKEN (UINT64_C(0x1e) << 56)
#define POS_PRINTING_TIMER UINT32_C(0x1e000000)

struct pos_printing *pos_printing_new(struct pos *); /* NULL: no memory */
void pos_printing_start(struct pos *);
void pos_printing_free(struct pos *); /* before the tills */
/* No more are begun; what is being printed goes on. */
void pos_printing_drain(struct pos *);

/* The paper at this terminal: its printer's, or the usual one. */
struct pos_paper pos_printing_paper(struct pos *, const struct pos_till *);
/* Ends the op: a job of this slip at the terminal's or its store's printer; without one, pushed to the
 * terminal's own, if it has said that it can print; without that, refused. */
void pos_printing_print(struct pos_op *, const struct pos_slip *);
/* Ends it: the slip is queued at this printer, or was sent to the terminal (printer ""). */
void pos_printing_answer(struct pos_op *, const char *status, const char *printer);

/* From the plugin's callbacks; false: it is not of a printer. */
bool pos_printing_on_fd(struct pos *, int32_t fd, uint32_t events);
bool pos_printing_on_timer(struct pos *, uint32_t id);
bool pos_printing_on_context(struct pos *, uint64_t token, int32_t code, struct hilo_str val,
                             uint64_t version);
void pos_printing_woken(struct pos *);

#endif
