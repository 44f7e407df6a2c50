/*
 * A printer's connection, from its first try to the outcome of a job (printer_int.h has the phases).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "printer_int.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const int64_t printer_backoff_max = 10 * POS_SECOND, printer_poll = 2 * POS_SECOND,
                     printer_drained = POS_SECOND / 20;

void pos__printer_close(struct printer *p)
{
    if (p->fd >= 0) {
        (void)p->all->host->watch(p->all->self, p->fd, 0);
        (void)close(p->fd);
        p->fd = -1;
    }
    free(p->out);
    p->out = NULL;
    p->out_at = p->out_n = 0;
    p->phase = REST;
    p->job = NULL;
    p->deadline = p->poll_at = 0;
}

static void printer_watch(struct printer *p, uint32_t events)
{
    /* Without it the phase's time runs out, which says so. */
    (void)p->all->host->watch(p->all->self, p->fd, events);
}

/* Of what was given, nothing is lost: it is sent as the printer takes it. */
static bool printer_put(struct printer *p, const void *bytes, size_t n)
{
    uint8_t *grown = realloc(p->out, p->out_n + n);

    if (!grown)
        return false;
    memcpy(grown + p->out_n, bytes, n);
    p->out = grown;
    p->out_n += n;
    return true;
}

/* Over before anything of a slip left. */
static void printer_not_begun(struct printer *p, uint32_t state)
{
    struct pos_job *job = p->job;

    if (p->phase == MARKING && job) {
        job->tries--;
        pos__job_change(p, job, POS_JOB_QUEUED, "");
    }
    pos__printer_close(p);
    p->backoff = p->backoff == 0                        ? POS_SECOND
                 : p->backoff * 2 > printer_backoff_max ? printer_backoff_max
                                                        : p->backoff * 2;
    p->retry_at = pos__printers_now(p->all) + p->backoff;
    pos__printer_set_state(p, state);
}

/* Over after something of it may have. */
static void printer_in_doubt(struct printer *p, const char *reason, uint32_t state)
{
    pos__job_unknown(p, p->job, reason);
    pos__printer_close(p);
    p->retry_at = pos__printers_now(p->all) + POS_SECOND;
    pos__printer_set_state(p, state);
}

static void printer_printed(struct printer *p, bool confirmed)
{
    p->job->confirmed = confirmed;
    pos__job_change(p, p->job, POS_JOB_PRINTED, "");
    p->job = NULL;
    p->backoff = 0;
    p->phase = IDLE;
    p->deadline = p->poll_at = 0;
    if (!p->conf.status) /* the next one has a connection of its own: some print when it ends */
        pos__printer_close(p);
}

static void printer_broke(struct printer *p)
{
    switch (p->phase) {
    case SENDING:
    case WAITING:
        printer_in_doubt(p, pos__printer_stopped(p) ? pos_printer_state_name(p->state) : "connection_lost",
                         p->state);
        break;
    case AFTER:
        if (p->conf.order) { /* it had said so before */
            printer_printed(p, true);
            pos__printer_close(p);
        } else {
            printer_in_doubt(p, "connection_lost", p->state);
        }
        break;
    case IDLE: /* whether it can be reached shows when it is tried */
        pos__printer_close(p);
        p->retry_at = pos__printers_now(p->all) + POS_SECOND;
        break;
    default:
        printer_not_begun(p, POS_PRINTER_UNREACHABLE);
    }
}

static void printer_connect(struct printer *p)
{
    const int yes = 1;

    p->status = (struct pos_status){0};
    p->fd = socket(p->conf.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd < 0) {
        printer_not_begun(p, POS_PRINTER_UNREACHABLE);
        return;
    }
    (void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    p->phase = CONNECTING;
    p->deadline = pos__printers_now(p->all) + p->all->connect_us;
    if (connect(p->fd, (const struct sockaddr *)&p->conf.address, p->conf.address_n) != 0 &&
        errno != EINPROGRESS)
        printer_not_begun(p, POS_PRINTER_UNREACHABLE);
    else
        printer_watch(p, HILO_WRITE);
}

/* The next of the queue that is on disk. */
struct pos_job *pos__printer_next(const struct printer *p)
{
    size_t i;

    if (p->all->draining)
        return NULL;
    for (i = 0; i < p->queue.n; i++)
        if (p->queue.job[i]->state == POS_JOB_QUEUED)
            return p->queue.job[i]->rev_came <= p->rev_saved && p->queue.job[i]->accepted ? p->queue.job[i]
                                                                                          : NULL;
    return NULL;
}

static void printer_ask(struct printer *p, enum pos_printer_phase phase)
{
    p->phase = phase;
    p->deadline = pos__printers_now(p->all) + p->all->connect_us;
    if (p->status.asked == 0) {
        if (!printer_put(p, pos_status_ask_bytes, sizeof pos_status_ask_bytes))
            return; /* its time runs out */
        pos_status_asked(&p->status);
    }
    printer_watch(p, HILO_READ | HILO_WRITE);
}

static void printer_mark(struct printer *p, struct pos_job *job)
{
    p->phase = MARKING;
    p->deadline = 0; /* the disk takes its time */
    p->job = job;
    job->tries++;
    pos__job_change(p, job, POS_JOB_PRINTING, "");
}

/* The mark is on disk: the slip goes. */
static void printer_send(struct printer *p)
{
    struct pos_paper paper = p->conf.paper;
    struct pos_bytes bytes = {0};
    char why[POS_SLIP_WORDS];
    struct pos_slip *slip;
    size_t replaced = 0;
    int32_t code;
    bool ok;

    slip = pos_slip_parse((struct hilo_str){p->job->slip, strlen(p->job->slip)}, &code, why);
    if (slip && p->conf.cut_given)
        slip->cut = p->conf.cut;
    ok = slip && pos_escpos(slip, &paper, &bytes, &replaced) == HILO_OK;
    pos_slip_free(&slip);
    if (!ok) { /* it was looked at when it was taken: no memory, or another version's slip */
        pos__job_change(p, p->job, POS_JOB_FAILED, "slip");
        pos__printer_close(p);
        return;
    }
    if (replaced > 0) {
        char more[160];

        (void)snprintf(more, sizeof more,
                       "job=%s characters=%zu note=\"its code page lacks them: printed as ?\"", p->job->id,
                       replaced);
        pos__printer_log(p, HILO_LOG_WARN, "printer.characters", more);
    }
    ok = printer_put(p, bytes.p, bytes.n);
    /* ESC @ may have switched it off again. */
    if (ok && p->conf.asb)
        ok = printer_put(p, pos_status_asb_bytes, sizeof pos_status_asb_bytes);
    if (ok && p->conf.order) {
        ok = printer_put(p, pos_status_order_bytes, sizeof pos_status_order_bytes);
        pos_status_order_asked(&p->status);
    }
    free(bytes.p);
    if (!ok) {
        printer_not_begun(p, p->state); /* phase is MARKING still: it waits again */
        return;
    }
    p->phase = SENDING;
    p->deadline = pos__printers_now(p->all) + p->all->print_us;
    printer_watch(p, HILO_READ | HILO_WRITE);
}

/* All of the slip has left this machine. */
static void printer_sent(struct printer *p)
{
    p->phase = WAITING;
    p->sent_at = pos__printers_now(p->all);
    p->deadline = p->sent_at + p->all->print_us;
    p->poll_at = p->sent_at + (p->conf.order ? printer_poll : printer_drained);
}

static void printer_push(struct printer *p)
{
    while (p->out_at < p->out_n) {
        ssize_t n = send(p->fd, p->out + p->out_at, p->out_n - p->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                printer_broke(p);
            return;
        }
        p->out_at += (size_t)n;
        if (p->phase == SENDING)
            p->deadline = pos__printers_now(p->all) + p->all->print_us;
    }
    p->out_at = p->out_n = 0;
    printer_watch(p, HILO_READ);
    if (p->phase == SENDING)
        printer_sent(p);
}

/* A person can end it, and then the printer goes on by itself. */
static bool printer_waits_for_somebody(const struct printer *p)
{
    return pos__printer_stopped(p) && !(p->state & POS_PRINTER_UNREACHABLE);
}

static bool printer_whole(const struct printer *p)
{
    return p->status.known && p->status.asked == 0;
}

static void printer_asked(struct printer *p)
{
    struct pos_job *job = pos__printer_next(p);

    if (pos__printer_stopped(p)) {
        if (!p->conf.asb) {
            printer_not_begun(p, p->state);
            return;
        }
        p->deadline = 0; /* it will tell when it is well; asked all the same */
        p->poll_at = pos__printers_now(p->all) + printer_poll;
        return;
    }
    p->backoff = 0;
    p->poll_at = p->deadline = 0;
    p->phase = IDLE;
    if (job)
        printer_mark(p, job);
}

/* What came may have changed this. */
static void printer_judge(struct printer *p)
{
    if (printer_whole(p))
        pos__printer_set_state(p, p->status.state);
    if (p->phase == ASKING && printer_whole(p)) {
        printer_asked(p);
    } else if (p->phase == WAITING && p->status.order_answered) {
        printer_ask(p, AFTER);
    } else if (p->phase == AFTER && printer_whole(p)) {
        if (p->conf.order || !pos__printer_stopped(p)) {
            printer_printed(p, true);
        } else { /* its status is all that confirms it */
            p->deadline = p->sent_at + p->all->patience_us;
            p->poll_at = pos__printers_now(p->all) + printer_poll;
        }
    }
}

static void printer_read(struct printer *p)
{
    uint8_t bytes[256];
    ssize_t n = recv(p->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        printer_broke(p);
        return;
    }
    pos_status_feed(&p->status, bytes, (size_t)n);
    printer_judge(p);
}

static void printer_connected(struct printer *p)
{
    socklen_t n = sizeof(int);
    int error = 0;

    if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0) {
        printer_not_begun(p, POS_PRINTER_UNREACHABLE);
        return;
    }
    if (p->conf.asb && !printer_put(p, pos_status_asb_bytes, sizeof pos_status_asb_bytes)) {
        printer_not_begun(p, p->state);
        return;
    }
    if (p->conf.status) {
        printer_ask(p, ASKING);
        return;
    }
    pos__printer_set_state(p, 0);
    p->backoff = 0;
    p->phase = IDLE;
    p->deadline = 0;
    printer_watch(p, HILO_READ);
}

void pos__printer_ready(struct printer *p, uint32_t events)
{
    if (p->phase == CONNECTING) {
        printer_connected(p);
        return;
    }
    if (events & HILO_READ)
        printer_read(p);
    if (events & HILO_WRITE && p->fd >= 0)
        printer_push(p);
}

/* ---- time -------------------------------------------------------------------------------------------------
 */

/* Whether its kernel has acknowledged all: as much as one that says nothing ever tells. */
static void printer_look_sent(struct printer *p)
{
    int left = 1;

    if (ioctl(p->fd, SIOCOUTQ, &left) != 0)
        printer_broke(p);
    else if (left > 0)
        p->poll_at = pos__printers_now(p->all) + printer_drained;
    else if (p->conf.status)
        printer_ask(p, AFTER);
    else
        printer_printed(p, false);
}

static void printer_poll_again(struct printer *p)
{
    p->poll_at = 0;
    if (p->phase == WAITING && !p->conf.order) {
        printer_look_sent(p);
        return;
    }
    p->poll_at = pos__printers_now(p->all) + printer_poll;
    /* One that is well but slow has its time; one that waits for paper has a person's. */
    if (p->phase == WAITING && printer_waits_for_somebody(p))
        p->deadline = p->sent_at + p->all->patience_us;
    if (p->status.asked == 0 && printer_put(p, pos_status_ask_bytes, sizeof pos_status_ask_bytes)) {
        pos_status_asked(&p->status);
        printer_watch(p, HILO_READ | HILO_WRITE);
    }
}

static void printer_too_late(struct printer *p)
{
    p->deadline = 0;
    switch (p->phase) {
    case CONNECTING:
        printer_not_begun(p, POS_PRINTER_UNREACHABLE);
        break;
    case ASKING:
        pos__printer_log(
            p, HILO_LOG_WARN, "printer.silent",
            "note=\"it takes connections and answers no status: is it another printer's turn? If it "
            "never does, give it /nostatus\"");
        printer_not_begun(p, POS_PRINTER_UNREACHABLE);
        break;
    case SENDING:
        printer_in_doubt(p, "stalled", p->state | POS_PRINTER_UNREACHABLE);
        break;
    case WAITING:
        printer_in_doubt(p, pos__printer_stopped(p) ? pos_printer_state_name(p->state) : "no_answer",
                         p->state);
        break;
    case AFTER:
        if (p->conf.order) {
            printer_printed(p, true); /* the answer in order came; only the state is not known */
            pos__printer_close(p);
        } else {
            printer_in_doubt(p, "no_answer", p->state);
        }
        break;
    default:
        break;
    }
}

/* Jobs that could not be begun for too long. */
static void printer_give_up(struct printer *p)
{
    int64_t now = pos__printers_now(p->all);
    size_t i;

    if (!pos__printer_stopped(p))
        return;
    for (i = 0; i < p->queue.n; i++) {
        struct pos_job *job = p->queue.job[i];

        if (job->state == POS_JOB_QUEUED && job->accepted && now - job->since_us >= p->all->patience_us)
            pos__job_change(p, job, POS_JOB_FAILED, pos_printer_state_name(p->state));
    }
}

/* Does what can be done now. */
void pos__printer_work(struct printer *p)
{
    int64_t now = pos__printers_now(p->all);
    struct pos_job *job;

    pos__printer_load(p);
    if (!p->loaded)
        return;
    if (p->deadline && now >= p->deadline)
        printer_too_late(p);
    if (p->fd >= 0 && p->poll_at && now >= p->poll_at)
        printer_poll_again(p);
    printer_give_up(p);
    if (p->phase == MARKING && p->job->rev_changed <= p->rev_saved)
        printer_send(p);
    job = pos__printer_next(p);
    if (p->phase == IDLE && job && p->conf.status)
        printer_ask(p, ASKING);
    else if (p->phase == IDLE && job)
        printer_mark(p, job);
    else if (p->phase == IDLE && !p->conf.asb)
        pos__printer_close(p);
    if (p->phase == REST && (job || (p->conf.asb && !p->all->draining)) && now >= p->retry_at)
        printer_connect(p);
    pos__printer_save(p);
}
