/*
 * Lowering what opens a page or shows a place or people: forms, links, locations,
 * contacts. Where the channel can't show them they are texts, and a link in a text is
 * never cut.
 */
#include "base/buf.h"
#include "base/str.h"
#include "model/lower_job.h"
#include "model/split.h"

int32_t lower__emit_link(struct lower_job *j, struct hilo_str words, struct hilo_str label,
                         struct hilo_str url)
{
    size_t max = j->able->text_max;
    struct hilo_str line = url, all;
    int32_t rc;

    if (!split_fits(url, max))
        return err_set(j->err, HILO_NOSUP, "the link is longer than the channel's texts");
    if (label.n)
        line = arena_fmt(j->arena, "%.*s: %.*s", STR_FMT(label), STR_FMT(url));
    if (!split_fits(line, max))
        line = url;
    if (words.n == 0)
        return lower__emit_text(j, line);
    all = arena_fmt(j->arena, "%.*s\n%.*s", STR_FMT(words), STR_FMT(line));
    if (split_fits(all, max))
        return lower__emit_text(j, all);
    j->notes |= NOTE_TEXT_SPLIT;
    rc = lower__emit_text(j, words);
    return rc ? rc : lower__emit_text(j, line);
}

/* ---- a button that opens something ---------------------------------------------------- */

/* As the channel shows it, its words made to fit. change: what else is changed. */
static int32_t as_button(struct lower_job *j, const struct model_change *change, size_t n_change)
{
    struct hilo_str button = hilo_get_str(j->content, HILO_T_CONTENT_BUTTON), s = button;
    struct model_change c[12];
    size_t n = 0;
    int32_t rc;

    while (n < n_change) {
        c[n] = change[n];
        n++;
    }
    if (j->able->button_title_max >= 2)
        s = lower__shorten(j->arena, button, j->able->button_title_max);
    if (!str_eq(s, button)) {
        j->notes |= NOTE_BUTTON_LABEL;
        c[n++] = change_str(HILO_T_CONTENT_BUTTON, s);
    }
    rc = lower__body(j, j->able->body_max, c, &n);
    return rc ? rc : lower__emit(j, c, n);
}

static bool can_button(const struct lower_job *j, uint32_t type)
{
    return lower__can(j, type) && j->able->body_max > 0 &&
           (lower__can_text(j) ||
            split_fits(hilo_get_str(j->content, HILO_T_CONTENT_TEXT), j->able->body_max));
}

static int32_t as_text(struct lower_job *j)
{
    struct hilo_str header = hilo_get_str(j->content, HILO_T_CONTENT_HEADER);
    struct hilo_str footer = hilo_get_str(j->content, HILO_T_CONTENT_FOOTER);
    struct hilo_str words = arena_fmt(j->arena, "%.*s%s%.*s%s%.*s", STR_FMT(header), header.n ? "\n\n" : "",
                                      STR_FMT(hilo_get_str(j->content, HILO_T_CONTENT_TEXT)),
                                      footer.n ? "\n\n" : "", STR_FMT(footer));

    return lower__emit_link(j, words, hilo_get_str(j->content, HILO_T_CONTENT_BUTTON),
                            hilo_get_str(j->content, HILO_T_CONTENT_URL));
}

int32_t lower__link(struct lower_job *j)
{
    if (can_button(j, HILO_CONTENT_LINK))
        return as_button(j, NULL, 0);
    if (!lower__can_text(j))
        return err_set(j->err, HILO_NOSUP, "the channel can carry neither a link nor text");
    j->notes |= NOTE_LINK;
    return as_text(j);
}

int32_t lower__form(struct lower_job *j)
{
    const struct model_change page[] = {
        change_u64(HILO_T_CONTENT_TYPE, HILO_CONTENT_LINK), change_remove(HILO_T_CONTENT_NAME),
        change_remove(HILO_T_CONTENT_SCREEN), change_remove(HILO_T_CONTENT_DATA)};

    if (can_button(j, HILO_CONTENT_FORM))
        return as_button(j, NULL, 0);
    if (hilo_get_str(j->content, HILO_T_CONTENT_URL).n == 0)
        return err_set(
            j->err, HILO_NOSUP,
            "the channel has no forms; give \"url\", a page with the same form, which is sent instead");
    j->notes |= NOTE_FORM;
    if (can_button(j, HILO_CONTENT_LINK))
        return as_button(j, page, sizeof page / sizeof *page);
    if (!lower__can_text(j))
        return err_set(j->err, HILO_NOSUP,
                       "the channel can carry neither a form nor a text with a link to it");
    return as_text(j);
}

/* ---- places and people ------------------------------------------------------------------ */

int32_t lower__location(struct lower_job *j)
{
    struct hilo_str name = hilo_get_str(j->content, HILO_T_CONTENT_NAME);
    struct hilo_str address = hilo_get_str(j->content, HILO_T_CONTENT_ADDRESS);
    struct hilo_str url = hilo_get_str(j->content, HILO_T_CONTENT_URL);

    if (lower__can(j, HILO_CONTENT_LOCATION))
        return lower__emit(j, NULL, 0);
    if (!lower__can_text(j))
        return err_set(j->err, HILO_NOSUP, "the channel can carry neither a location nor text");
    j->notes |= NOTE_LOCATION;
    if (url.n == 0)
        url = arena_fmt(j->arena, "https://maps.google.com/?q=%.6f,%.6f",
                        hilo_get_f64(j->content, HILO_T_CONTENT_LATITUDE),
                        hilo_get_f64(j->content, HILO_T_CONTENT_LONGITUDE));
    if (name.n && address.n)
        name = arena_fmt(j->arena, "%.*s\n%.*s", STR_FMT(name), STR_FMT(address));
    return lower__emit_link(j, name.n ? name : address, STR(""), url);
}

/* "Lucía Gómez, Electro Sur", and a line for each number. */
static int32_t put_contact(struct buf *b, struct hilo_str contact)
{
    struct hilo_str organization = hilo_get_str(contact, HILO_T_CONTACT_ORGANIZATION), label;
    struct hilo_field f;
    int32_t rc =
        buf_fmt(b, "%s%.*s%s%.*s", b->n ? "\n\n" : "", STR_FMT(hilo_get_str(contact, HILO_T_CONTACT_NAME)),
                organization.n ? ", " : "", STR_FMT(organization));

    while (!rc && hilo_next(&contact, &f) == 1) {
        if (f.tag != HILO_T_CONTACT_PHONES)
            continue;
        label = hilo_get_str(f.val, HILO_T_PHONE_LABEL);
        rc = buf_fmt(b, "\n%.*s%s%.*s%s", STR_FMT(hilo_get_str(f.val, HILO_T_PHONE_NUMBER)),
                     label.n ? " (" : "", STR_FMT(label), label.n ? ")" : "");
    }
    return rc;
}

int32_t lower__contacts(struct lower_job *j)
{
    struct hilo_str rest = j->content;
    struct hilo_field f;
    struct buf b = {0};
    int32_t rc = HILO_OK;

    if (lower__can(j, HILO_CONTENT_CONTACTS))
        return lower__emit(j, NULL, 0);
    if (!lower__can_text(j))
        return err_set(j->err, HILO_NOSUP, "the channel can carry neither contacts nor text");
    j->notes |= NOTE_CONTACTS;
    while (!rc && hilo_next(&rest, &f) == 1)
        if (f.tag == HILO_T_CONTENT_CONTACTS)
            rc = put_contact(&b, f.val);
    rc = rc ? err_set(j->err, rc, "no memory to write contacts as text")
            : lower__emit_text(j, arena_str(j->arena, buf_str(&b)));
    buf_done(&b);
    return rc;
}
