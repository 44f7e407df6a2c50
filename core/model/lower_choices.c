/*
 * Lowering choices. A form (buttons or list) is taken if all of the choices fit it:
 * their number, the bytes of their ids, their titles as they are; if no form takes
 * them so, the same is tried with titles shortened, provided that they stay different.
 * What is left becomes a text with numbers.
 */
#include "base/buf.h"
#include "base/str.h"
#include "model/lower_job.h"
#include "model/split.h"
#include "model/validate.h"

struct choice {
    struct hilo_str all, id, title, description, section; /* all: the group's bytes */
    struct hilo_str short_title;
};

struct question {
    struct choice choice[MODEL_CHOICES_MAX];
    size_t n;
    struct hilo_str text, header, footer, button;
    bool described, sections;
};

struct form {
    bool list;
    uint32_t count_max, title_max, body_max;
};

static int32_t read_question(struct lower_job *j, struct question *q)
{
    struct hilo_str rest = j->content;
    struct hilo_field f;

    q->n = 0;
    q->described = q->sections = false;
    q->text = hilo_get_str(rest, HILO_T_CONTENT_TEXT);
    q->header = hilo_get_str(rest, HILO_T_CONTENT_HEADER);
    q->footer = hilo_get_str(rest, HILO_T_CONTENT_FOOTER);
    q->button = hilo_get_str(rest, HILO_T_CONTENT_BUTTON);
    while (hilo_next(&rest, &f) == 1) {
        struct choice *c = &q->choice[q->n];

        if (f.tag != HILO_T_CONTENT_CHOICES)
            continue;
        if (q->n++ == MODEL_CHOICES_MAX)
            return err_set(j->err, HILO_INVALID, "more than %d choices", MODEL_CHOICES_MAX);
        c->all = f.val;
        c->id = hilo_get_str(f.val, HILO_T_CHOICE_ID);
        c->title = hilo_get_str(f.val, HILO_T_CHOICE_TITLE);
        c->description = hilo_get_str(f.val, HILO_T_CHOICE_DESCRIPTION);
        c->section = hilo_get_str(f.val, HILO_T_CHOICE_SECTION);
        q->described |= c->description.n > 0;
        q->sections |= c->section.n > 0;
    }
    return q->n ? HILO_OK : err_set(j->err, HILO_INVALID, "choices without a choice");
}

struct hilo_str lower__shorten(struct arena *a, struct hilo_str s, size_t max)
{
    struct hilo_str head;

    if (split_fits(s, max))
        return s;
    head = split_head(s, max - 1);
    while (head.n && head.p[head.n - 1] == ' ')
        head.n--;
    return arena_fmt(a, "%.*s…", STR_FMT(head));
}

/* ---- which form -------------------------------------------------------------------- */

static bool titles_fit(struct lower_job *j, struct question *q, size_t max, bool shortened)
{
    size_t i, k;

    for (i = 0; i < q->n; i++) {
        q->choice[i].short_title = q->choice[i].title;
        if (split_fits(q->choice[i].title, max))
            continue;
        if (!shortened || max < 2)
            return false;
        q->choice[i].short_title = lower__shorten(j->arena, q->choice[i].title, max);
    }
    for (i = 1; i < q->n; i++) {
        for (k = 0; k < i; k++) {
            if (str_eq(q->choice[i].short_title, q->choice[k].short_title))
                return false;
        }
    }
    return true;
}

static bool fits(struct lower_job *j, struct question *q, const struct form *f, bool shortened)
{
    size_t i;

    if ((j->able->flags & HILO_ABLE_CHOICE_LINKS) && !j->env->choice_link)
        return false;
    if (!lower__can(j, HILO_CONTENT_CHOICES) || q->n > f->count_max || f->body_max == 0)
        return false;
    /* A button has no room for what only a list or a text can say. */
    if (!f->list && (q->described || q->sections))
        return false;
    if (f->list && q->described && j->able->list_description_max < 2)
        return false;
    if (!split_fits(q->text, f->body_max) && !lower__can_text(j))
        return false;
    for (i = 0; i < q->n; i++) {
        if (q->choice[i].id.n > j->able->choice_id_max)
            return false;
    }
    return titles_fit(j, q, f->title_max, shortened);
}

/* ---- buttons and lists ------------------------------------------------------------- */

/* All but the last piece of a body go before as texts. */
static int32_t lead_in(struct lower_job *j, struct hilo_str *body, size_t max)
{
    size_t piece = max < j->able->text_max ? max : j->able->text_max;
    int32_t rc = HILO_OK;

    if (split_fits(*body, max))
        return HILO_OK;
    if (!lower__can_text(j))
        return err_set(j->err, HILO_NOSUP, "the text is longer than the channel can carry; shorten it");
    j->notes |= NOTE_BODY_SPLIT;
    while (!rc && !split_fits(*body, max))
        rc = lower__emit_text(j, split_take(body, piece));
    return rc;
}

int32_t lower__body(struct lower_job *j, size_t max, struct model_change *c, size_t *n)
{
    struct hilo_str header = hilo_get_str(j->content, HILO_T_CONTENT_HEADER);
    struct hilo_str footer = hilo_get_str(j->content, HILO_T_CONTENT_FOOTER);
    struct hilo_str text = hilo_get_str(j->content, HILO_T_CONTENT_TEXT), body = text, foot = STR("");
    size_t room = max, foot_n;
    int32_t rc;

    if (header.n && !split_fits(header, j->able->header_max)) {
        j->notes |= NOTE_HEADER;
        c[(*n)++] = change_remove(HILO_T_CONTENT_HEADER);
        body = arena_fmt(j->arena, "%.*s\n\n%.*s", STR_FMT(header), STR_FMT(body));
    }
    if (footer.n && !split_fits(footer, j->able->footer_max)) {
        j->notes |= NOTE_FOOTER;
        c[(*n)++] = change_remove(HILO_T_CONTENT_FOOTER);
        foot = arena_fmt(j->arena, "\n\n%.*s", STR_FMT(footer));
        foot_n = str_utf8_count(foot);
        if (foot_n < max / 2) {
            room = max - foot_n;
        } else {
            body = arena_fmt(j->arena, "%.*s%.*s", STR_FMT(body), STR_FMT(foot));
            foot = STR("");
        }
    }
    rc = lead_in(j, &body, room);
    if (rc)
        return rc;
    if (foot.n)
        body = arena_fmt(j->arena, "%.*s%.*s", STR_FMT(body), STR_FMT(foot));
    if (!str_eq(body, text))
        c[(*n)++] = change_str(HILO_T_CONTENT_TEXT, body);
    return HILO_OK;
}

/* A choice's bytes, changed where they must be. */
static int32_t make_choice(struct lower_job *j, const struct choice *ch, size_t place, const struct form *f,
                           struct hilo_str *out)
{
    struct model_change c[4];
    size_t n = 0;
    struct hilo_str s;

    *out = ch->all;
    if (!str_eq(ch->short_title, ch->title)) {
        j->notes |= NOTE_TITLES;
        c[n++] = change_str(HILO_T_CHOICE_TITLE, ch->short_title);
    }
    if (f->list && ch->description.n) {
        s = lower__shorten(j->arena, ch->description, j->able->list_description_max);
        if (!str_eq(s, ch->description)) {
            j->notes |= NOTE_DESCRIPTIONS;
            c[n++] = change_str(HILO_T_CHOICE_DESCRIPTION, s);
        }
    }
    if (f->list && ch->section.n && f->title_max >= 2) {
        s = lower__shorten(j->arena, ch->section, f->title_max);
        if (!str_eq(s, ch->section))
            c[n++] = change_str(HILO_T_CHOICE_SECTION, s);
    }
    if (j->able->flags & HILO_ABLE_CHOICE_LINKS) {
        int32_t rc = j->env->choice_link(j->env->arg, hilo_get_id(j->message, HILO_T_MSG_ID), (uint32_t)place,
                                         j->arena, &s, j->err);
        if (rc)
            return rc;
        c[n++] = change_str(HILO_T_CHOICE_URL, s);
    }
    return n ? model_edit(j->arena, ch->all, c, n, out, j->err) : HILO_OK;
}

/* The label that opens a list; it is always there, and never on buttons. */
static void label(struct lower_job *j, const struct question *q, const struct form *f, struct model_change *c,
                  size_t *n)
{
    size_t max = j->able->button_title_max >= 2 ? j->able->button_title_max : f->title_max;
    struct hilo_str s = q->button;

    if (!f->list) {
        if (s.n)
            c[(*n)++] = change_remove(HILO_T_CONTENT_BUTTON);
        return;
    }
    if (s.n == 0)
        s = lower__spanish(j) ? STR("Opciones") : STR("Options");
    if (max >= 2)
        s = lower__shorten(j->arena, s, max);
    if (q->button.n && !str_eq(s, q->button))
        j->notes |= NOTE_BUTTON_LABEL;
    if (!str_eq(s, q->button))
        c[(*n)++] = change_str(HILO_T_CONTENT_BUTTON, s);
}

static int32_t as_form(struct lower_job *j, const struct question *q, const struct form *f)
{
    struct model_change c[MODEL_CHOICES_MAX + 8];
    struct hilo_str made[MODEL_CHOICES_MAX];
    bool changed = false;
    size_t n = 0, i;
    int32_t rc;

    j->notes |= f->list ? NOTE_LIST : NOTE_BUTTONS;
    rc = lower__body(j, f->body_max, c, &n);
    if (rc)
        return rc;
    label(j, q, f, c, &n);
    for (i = 0; i < q->n; i++) {
        rc = make_choice(j, &q->choice[i], i, f, &made[i]);
        if (rc)
            return rc;
        changed |= made[i].p != q->choice[i].all.p;
    }
    if (changed) {
        c[n++] = change_remove(HILO_T_CONTENT_CHOICES);
        for (i = 0; i < q->n; i++)
            c[n++] = change_add(HILO_T_CONTENT_CHOICES, made[i]);
    }
    return lower__emit(j, c, n);
}

/* ---- numbers ------------------------------------------------------------------------- */

/* "Reply 1 for Exchange, 2 for Refund." The words keep to the letters of GSM 7-bit
 * (3GPP TS 23.038): one other letter would halve what an SMS carries. */
static int32_t put_inline(struct buf *b, const struct question *q, bool spanish)
{
    size_t i;
    int32_t rc = HILO_OK;

    for (i = 0; !rc && i < q->n; i++)
        rc = buf_fmt(b, "%s%zu %s %.*s",
                     i         ? ", "
                     : spanish ? "\nResponde "
                               : "\nReply ",
                     i + 1, spanish ? "para" : "for", STR_FMT(q->choice[i].title));
    return rc ? rc : buf_add(b, ".", 1);
}

static int32_t put_lines(struct buf *b, const struct question *q, bool spanish)
{
    struct hilo_str section = STR("");
    size_t i;
    int32_t rc;

    rc = buf_fmt(b, spanish ? "\nResponde de 1 a %zu:" : "\nReply 1 to %zu:", q->n);
    for (i = 0; !rc && i < q->n; i++) {
        const struct choice *c = &q->choice[i];

        if (c->section.n && !str_eq(c->section, section)) {
            section = c->section;
            rc = buf_fmt(b, "\n%.*s", STR_FMT(section));
        }
        if (!rc)
            rc = buf_fmt(b, "\n%zu. %.*s%s%.*s", i + 1, STR_FMT(c->title), c->description.n ? ": " : "",
                         STR_FMT(c->description));
    }
    return rc;
}

static int32_t as_numbers(struct lower_job *j, const struct question *q)
{
    struct buf b = {0};
    bool es = lower__spanish(j);
    int32_t rc;

    if (!lower__can_text(j))
        return err_set(j->err, HILO_NOSUP,
                       "the channel can carry neither these choices nor a text in their place");
    j->notes |= NOTE_NUMBERED;
    rc = buf_fmt(&b, "%.*s%s%.*s", STR_FMT(q->header), q->header.n ? "\n\n" : "", STR_FMT(q->text));
    if (!rc)
        rc = q->n <= 3 && !q->described && !q->sections ? put_inline(&b, q, es) : put_lines(&b, q, es);
    if (!rc && q->footer.n)
        rc = buf_fmt(&b, "\n\n%.*s", STR_FMT(q->footer));
    rc = rc ? err_set(j->err, rc, "no memory to write choices as text")
            : lower__emit_text(j, arena_str(j->arena, buf_str(&b)));
    buf_done(&b);
    return rc;
}

int32_t lower__choices(struct lower_job *j)
{
    const struct hilo_abilities *a = j->able;
    const struct form buttons = {false, a->buttons_max, a->button_title_max, a->body_max};
    const struct form list = {true, a->list_max, a->list_title_max, a->list_body_max};
    const struct form *order[2] = {&buttons, &list};
    struct question q;
    int32_t rc;
    size_t i;

    rc = read_question(j, &q);
    if (rc)
        return rc;
    if (q.button.n || q.described || q.sections) {
        order[0] = &list;
        order[1] = &buttons;
    }
    for (i = 0; i < 4; i++) {
        if (fits(j, &q, order[i % 2], i >= 2))
            return as_form(j, &q, order[i % 2]);
    }
    return as_numbers(j, &q);
}
