/*
 * The reader of answers: line by line until the body, then by its length or by chunks. Whatever is
 * unusual and still has a status (no length, too long a body, another transfer coding) costs only
 * the connection; what two readers could understand differently is no answer at all.
 */
#include "services/outbox_answer.h"
#include "base/str.h"

enum part { STATUS_LINE, HEADER, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER };

static enum outbox_answer_state bad(struct outbox_answer *a)
{
    a->keep = false;
    return a->state = OUTBOX_ANSWER_BAD;
}

static enum outbox_answer_state done(struct outbox_answer *a, bool keep)
{
    a->keep = keep && !a->close;
    return a->state = OUTBOX_ANSWER_DONE;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum outbox_answer_state status_line(struct outbox_answer *a, struct hilo_str l)
{
    if (l.n < 12 || !str_starts(l, STR("HTTP/1.")) || !digit(l.p[7]) || l.p[8] != ' ' || !digit(l.p[9]) ||
        !digit(l.p[10]) || !digit(l.p[11]) || (l.n > 12 && l.p[12] != ' '))
        return bad(a);
    a->status = (uint32_t)(100 * (l.p[9] - '0') + 10 * (l.p[10] - '0') + (l.p[11] - '0'));
    if (a->status < 100 || a->status == 101) /* nobody asked for another protocol */
        return bad(a);
    a->close = l.p[7] == '0';
    a->chunked = a->has_length = a->encoded = false;
    a->left = 0;
    a->retry_after[0] = '\0';
    a->part = HEADER;
    return OUTBOX_ANSWER_MORE;
}

/* The head has ended. */
static enum outbox_answer_state head_end(struct outbox_answer *a)
{
    if (a->status < 200) {
        a->part = STATUS_LINE;
        return OUTBOX_ANSWER_MORE;
    }
    if (a->encoded && a->has_length)
        return bad(a);
    if (a->status == 204 || a->status == 304)
        return done(a, true);
    if (a->chunked) {
        a->part = CHUNK_SIZE;
        return OUTBOX_ANSWER_MORE;
    }
    if (a->encoded || !a->has_length || a->left > OUTBOX_BODY_MAX)
        return done(a, false);
    if (a->left == 0)
        return done(a, true);
    a->part = BODY;
    return OUTBOX_ANSWER_MORE;
}

static struct hilo_str trim(struct hilo_str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (struct hilo_str){s.p + 1, s.n - 1};
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static enum outbox_answer_state header(struct outbox_answer *a, struct hilo_str l)
{
    struct hilo_str name, val;
    uint64_t n;

    if (l.n == 0)
        return head_end(a);
    if (!str_cut(l, ':', &name, &val) || name.n == 0 || name.p[name.n - 1] == ' ')
        return bad(a);
    val = trim(val);
    if (str_eq_nocase(name, STR("content-length"))) {
        if (!str_u64(val, &n) || (a->has_length && n != a->left))
            return bad(a);
        a->has_length = true;
        a->left = n;
    } else if (str_eq_nocase(name, STR("transfer-encoding"))) {
        a->chunked = !a->encoded && str_eq_nocase(val, STR("chunked"));
        a->encoded = true;
    } else if (str_eq_nocase(name, STR("connection"))) {
        a->close |= !str_eq_nocase(val, STR("keep-alive"));
    } else if (str_eq_nocase(name, STR("retry-after")) && val.n) {
        memcpy(a->retry_after, val.p, (size_t)val.n);
        a->retry_after[val.n] = '\0';
    }
    return OUTBOX_ANSWER_MORE;
}

static enum outbox_answer_state chunk_size(struct outbox_answer *a, struct hilo_str l)
{
    uint64_t size = 0, i = 0;

    for (; i < l.n && i < 8; i++) {
        char c = l.p[i];
        if (digit(c))
            size = size << 4 | (uint64_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            size = size << 4 | (uint64_t)((c | 0x20) - 'a' + 10);
        else
            break;
    }
    if (i == 0 || (i < l.n && l.p[i] != ';' && l.p[i] != ' '))
        return bad(a);
    if (size > OUTBOX_BODY_MAX - a->body_bytes)
        return done(a, false);
    a->body_bytes += size;
    a->left = size;
    a->part = size ? CHUNK_DATA : TRAILER;
    return OUTBOX_ANSWER_MORE;
}

/* A line, without its end. */
static enum outbox_answer_state line(struct outbox_answer *a)
{
    struct hilo_str l = {a->line, a->line_n};

    a->line_n = 0;
    if (l.n && l.p[l.n - 1] == '\r')
        l.n--;
    switch (a->part) {
    case STATUS_LINE:
        return status_line(a, l);
    case HEADER:
        return header(a, l);
    case CHUNK_SIZE:
        return chunk_size(a, l);
    case CHUNK_END:
        a->part = CHUNK_SIZE;
        return l.n ? bad(a) : OUTBOX_ANSWER_MORE;
    default: /* TRAILER */
        return l.n ? OUTBOX_ANSWER_MORE : done(a, true);
    }
}

enum outbox_answer_state outbox_answer_read(struct outbox_answer *a, const char *p, uint64_t n)
{
    a->begun |= n > 0;
    while (n && a->state == OUTBOX_ANSWER_MORE) {
        if (a->part == BODY || a->part == CHUNK_DATA) {
            uint64_t take = n < a->left ? n : a->left;
            p += take;
            n -= take;
            a->left -= take;
            if (a->left == 0 && a->part == BODY)
                (void)done(a, true);
            else if (a->left == 0)
                a->part = CHUNK_END;
            continue;
        }
        char c = *p++;
        n--;
        if (++a->head_bytes > OUTBOX_HEAD_MAX)
            return bad(a);
        if (c == '\n')
            (void)line(a);
        else if (a->line_n < OUTBOX_LINE_MAX - 1)
            a->line[a->line_n++] = c;
    }
    if (n)
        a->keep = false;
    return a->state;
}

enum outbox_answer_state outbox_answer_end(struct outbox_answer *a)
{
    a->keep = false;
    /* The status was said; only the rest of a body is missing. */
    if (a->state == OUTBOX_ANSWER_MORE && a->part >= BODY)
        a->state = OUTBOX_ANSWER_DONE;
    else if (a->state == OUTBOX_ANSWER_MORE)
        a->state = OUTBOX_ANSWER_BAD;
    return a->state;
}
