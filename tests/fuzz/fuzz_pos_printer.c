/*
 * A printer's answers, byte by byte; an operator's list of printers; a queue as it was kept on disk.
 *
 * The first byte says which.
 */
#include "../../plugins/pos/printer_conf.h"
#include "../../plugins/pos/printer_queue.h"
#include "../../plugins/pos/printer_status.h"

#include <stdlib.h>
#include <string.h>

static void must(bool what)
{
    if (!what)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void answers(const uint8_t *p, size_t n)
{
    struct pos_status whole = {0}, bytes = {0};
    size_t i;

    pos_status_asked(&whole);
    pos_status_asked(&bytes);
    pos_status_order_asked(&whole);
    pos_status_order_asked(&bytes);
    pos_status_feed(&whole, p, n);
    for (i = 0; i < n; i++) {
        pos_status_feed(&bytes, p + i, 1);
        must(bytes.asked <= 4 && bytes.n_asb < 4);
        must(bytes.state <= 0xff && !(bytes.state & POS_PRINTER_UNREACHABLE));
        must(bytes.order_asked != bytes.order_answered);
    }
    /* However they come in pieces, they say the same. */
    must(whole.state == bytes.state && whole.known == bytes.known && whole.asked == bytes.asked &&
         whole.order_answered == bytes.order_answered && whole.strange == bytes.strange);
}

static void option(const uint8_t *p, size_t n)
{
    static struct pos_printer_conf conf[POS_PRINTERS_MAX];
    struct hilo_str text = {(const char *)p, n};
    const char *wrong;
    size_t many = 0, i;

    wrong = pos_printer_conf_read(text, conf, &many);
    must(wrong ? strncmp(wrong, "printers: ", 10) == 0 : many <= POS_PRINTERS_MAX);
    must((wrong == NULL) == (pos_printers_wrong(text) == NULL));
    for (i = 0; !wrong && i < many; i++)
        must(conf[i].name[0] && conf[i].address_n && conf[i].paper.columns >= 16 &&
             conf[i].paper.dots >= 192);
}

static void queue(const uint8_t *p, size_t n)
{
    struct pos_queue q = {.n = 0}, again = {.n = 0};
    char *text, *twice;
    size_t m = 0, i;

    (void)pos_queue_read(&q, (struct hilo_str){(const char *)p, n});
    for (i = 0; i < q.n; i++)
        must(q.job[i]->id[0] && (q.job[i]->slip || pos_job_done(q.job[i])));
    pos_queue_prune(&q);
    text = pos_queue_json(&q, &m);
    must(text && pos_queue_read(&again, (struct hilo_str){text, m}) && again.n == q.n);
    twice = pos_queue_json(&again, &m);
    must(twice && strcmp(text, twice) == 0);
    free(text);
    free(twice);
    pos_queue_clear(&q);
    pos_queue_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static void (*const part[])(const uint8_t *, size_t) = {answers, option, queue};

    if (n > 0)
        part[p[0] % 3](p + 1, n - 1);
    return 0;
}
