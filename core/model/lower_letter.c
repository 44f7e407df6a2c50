/*
 * Lowering what a letter has around its text: a subject, HTML, attachments, an invitation, and the link
 * that ends advertising. All of it is looked for in one pass, as most messages have none.
 */
#include "base/str.h"
#include "model/lower_job.h"
#include "model/split.h"

static bool subject_shown(const struct lower_job *j)
{
    return j->able->flags & HILO_ABLE_SUBJECT;
}

/* The subject as the first line of the text or caption; a text of its own where there is neither. */
static void subject_into(struct lower_job *j, uint32_t type, struct hilo_str content, struct hilo_str subject,
                         struct model_change *c, size_t *n, struct hilo_str *own)
{
    const uint32_t tag = type == HILO_CONTENT_MEDIA ? HILO_T_CONTENT_CAPTION : HILO_T_CONTENT_TEXT;
    struct hilo_str text = hilo_get_str(content, tag);

    const bool spoken = j->able->flags & HILO_ABLE_SPOKEN; /* in one piece */
    const bool apart = type == HILO_CONTENT_LOCATION || type == HILO_CONTENT_CONTACTS;
    const bool by_its_text = type == HILO_CONTENT_TEMPLATE || type == HILO_CONTENT_APPOINTMENT;

    c[(*n)++] = change_remove(HILO_T_CONTENT_SUBJECT);
    /* A template reads as its provider has approved it; and a subject alone says nothing. */
    if ((apart && (spoken || !lower__can_text(j))) || (by_its_text && (text.n == 0 || lower__can(j, type)))) {
        j->notes |= NOTE_SUBJECT_DROPPED;
        return;
    }
    j->notes |= NOTE_SUBJECT;
    if (apart)
        *own = subject;
    else
        c[(*n)++] = change_str(
            tag, text.n ? arena_fmt(j->arena, "%.*s\n%.*s", STR_FMT(subject), STR_FMT(text)) : subject);
}

/* An attachment as the channel sends it: a stored one as a link to it, where it has no files. */
static int32_t attachment_as_url(struct lower_job *j, struct hilo_str *group)
{
    struct model_change c[2];
    struct hilo_str url;
    int32_t rc;

    if ((j->able->flags & HILO_ABLE_MEDIA_FILE) || !hilo_find(*group, HILO_T_ATTACHMENT_MEDIA, &url))
        return HILO_OK;
    if (!j->env->media_link)
        return err_set(
            j->err, HILO_NOSUP,
            "the channel can't carry these attachments, and there are no public links to them; set "
            "http.public_url");
    rc =
        j->env->media_link(j->env->arg, hilo_get_id(*group, HILO_T_ATTACHMENT_MEDIA), j->arena, &url, j->err);
    if (rc)
        return rc;
    j->notes |= NOTE_MEDIA_URL;
    c[0] = change_remove(HILO_T_ATTACHMENT_MEDIA);
    c[1] = change_str(HILO_T_ATTACHMENT_URL, url);
    return model_edit(j->arena, *group, c, 2, group, j->err);
}

/* One that is at a URL, where only stored ones are attached: fetching it for the sender would make the
 * gateway ask any address it is told. It becomes a line of the text. */
static int32_t attachment_as_line(struct lower_job *j, struct hilo_str content, struct hilo_str group,
                                  struct hilo_str *lines)
{
    struct hilo_str name = hilo_get_str(group, HILO_T_ATTACHMENT_FILENAME), s;

    if (hilo_find(content, HILO_T_CONTENT_HTML, &s))
        return err_set(
            j->err, HILO_NOSUP,
            "/content/attachments: the channel attaches stored media only, and a link has no place "
            "in the html; upload the file with POST /v1/media");
    j->notes |= NOTE_MEDIA_LINK;
    *lines = arena_fmt(j->arena, "%.*s\n%.*s%s%.*s", STR_FMT(*lines), STR_FMT(name), name.n ? ": " : "",
                       STR_FMT(hilo_get_str(group, HILO_T_ATTACHMENT_URL)));
    return HILO_OK;
}

/* The content without its attachments, or with them as the channel sends them; those that are to go by
 * themselves into *apart, those that are lines of the text into *lines. */
static int32_t attachments_sort(struct lower_job *j, struct hilo_str *content, bool html,
                                struct hilo_str *apart, struct hilo_str *lines)
{
    const bool carries = j->able->flags & HILO_ABLE_ATTACHMENTS;
    const bool by_url = j->able->flags & HILO_ABLE_MEDIA_LINK;
    struct hilo_writer kept, out;
    struct hilo_str rest = *content, s;
    struct hilo_field f;
    int32_t rc = HILO_OK;

    arena_writer(j->arena, &kept);
    arena_writer(j->arena, &out);
    while (!rc && hilo_next(&rest, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_ATTACHMENTS) {
            hilo_put_str(&kept, f.tag, f.val);
        } else if (!html && hilo_find(f.val, HILO_T_ATTACHMENT_CONTENT_ID, &s)) {
            continue; /* a picture within the HTML, which is not shown */
        } else if (j->able->flags & HILO_ABLE_SPOKEN) {
            j->notes |= NOTE_ATTACHMENTS_DROPPED;
        } else if (carries && !by_url && hilo_find(f.val, HILO_T_ATTACHMENT_URL, &s)) {
            rc = attachment_as_line(j, *content, f.val, lines);
        } else if (carries) {
            rc = attachment_as_url(j, &f.val);
            hilo_put_str(&kept, f.tag, f.val);
        } else {
            hilo_put_str(&out, f.tag, f.val);
            j->notes |= NOTE_ATTACHMENTS;
        }
    }
    *content = hilo_written(&kept);
    *apart = hilo_written(&out);
    if (rc || lines->n == 0)
        return rc;
    s = hilo_get_str(*content, HILO_T_CONTENT_TEXT);
    const struct model_change c =
        change_str(HILO_T_CONTENT_TEXT, arena_fmt(j->arena, "%.*s\n%.*s", STR_FMT(s), STR_FMT(*lines)));
    return model_edit(j->arena, *content, &c, 1, content, j->err);
}

static int32_t unsubscribe(struct lower_job *j)
{
    struct model_change c;
    struct hilo_str url;
    int32_t rc;

    if (!(j->able->flags & HILO_ABLE_UNSUBSCRIBE) || !j->env->unsubscribe_link ||
        hilo_get_u64(j->message, HILO_T_MSG_CATEGORY) != HILO_CATEGORY_PROMOTIONAL)
        return HILO_OK;
    rc =
        j->env->unsubscribe_link(j->env->arg, hilo_get_id(j->message, HILO_T_MSG_ID), j->arena, &url, j->err);
    if (rc)
        return rc;
    c = change_str(HILO_T_MSG_UNSUBSCRIBE_URL, url);
    return model_edit(j->arena, j->message, &c, 1, &j->message, j->err);
}

int32_t lower__surroundings(struct lower_job *j, uint32_t type, struct hilo_str *subject_out,
                            struct hilo_str *attachments_out)
{
    const bool html = j->able->flags & HILO_ABLE_HTML;
    struct hilo_str content = hilo_content(j->message), rest = content, subject = {0}, lines = {0};
    struct model_change c[4];
    bool attached = false;
    struct hilo_field f;
    size_t n = 0;
    int32_t rc = unsubscribe(j);

    *subject_out = *attachments_out = (struct hilo_str){0};
    while (hilo_next(&rest, &f) == 1) {
        if (f.tag == HILO_T_CONTENT_SUBJECT && !subject_shown(j)) {
            subject = f.val;
        } else if (f.tag == HILO_T_CONTENT_HTML && !html) {
            j->notes |= NOTE_HTML;
            c[n++] = change_remove(HILO_T_CONTENT_HTML);
        } else if (f.tag == HILO_T_CONTENT_INVITATION && !lower__can(j, HILO_CONTENT_APPOINTMENT)) {
            c[n++] = change_remove(HILO_T_CONTENT_INVITATION);
        }
        attached |= f.tag == HILO_T_CONTENT_ATTACHMENTS;
    }
    if (subject.n)
        subject_into(j, type, content, subject, c, &n, subject_out);
    if (rc || (n == 0 && !attached))
        return rc;
    if (n)
        rc = model_edit(j->arena, content, c, n, &content, j->err);
    if (!rc && attached)
        rc = attachments_sort(j, &content, html, attachments_out, &lines);
    if (rc)
        return rc;
    c[0] = change_str(HILO_T_MSG_CONTENT, content);
    return model_edit(j->arena, j->message, c, 1, &j->message, j->err);
}

/* An attachment as the content of a message of type media. */
static struct hilo_str as_media(struct lower_job *j, struct hilo_str group)
{
    static const struct {
        uint32_t from, to;
    } same[] = {{HILO_T_ATTACHMENT_MEDIA, HILO_T_CONTENT_MEDIA},
                {HILO_T_ATTACHMENT_URL, HILO_T_CONTENT_URL},
                {HILO_T_ATTACHMENT_MIME, HILO_T_CONTENT_MIME},
                {HILO_T_ATTACHMENT_FILENAME, HILO_T_CONTENT_FILENAME},
                {HILO_T_ATTACHMENT_SIZE, HILO_T_CONTENT_SIZE},
                {HILO_T_ATTACHMENT_SHA256, HILO_T_CONTENT_SHA256}};
    uint64_t kind = hilo_get_u64(group, HILO_T_ATTACHMENT_KIND);
    struct hilo_writer w;
    struct hilo_str s;

    arena_writer(j->arena, &w);
    hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_MEDIA);
    hilo_put_u64(&w, HILO_T_CONTENT_KIND, kind ? kind : HILO_MEDIA_DOCUMENT);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (hilo_find(group, same[i].from, &s))
            hilo_put_str(&w, same[i].to, s);
    return hilo_written(&w);
}

int32_t lower__attachments(struct lower_job *j, struct hilo_str attachments)
{
    struct hilo_field f;
    int32_t rc = HILO_OK;

    while (!rc && hilo_next(&attachments, &f) == 1) {
        const struct model_change c = change_str(HILO_T_MSG_CONTENT, as_media(j, f.val));
        rc = model_edit(j->arena, j->message, &c, 1, &j->message, j->err);
        j->content = hilo_content(j->message);
        if (!rc)
            rc = lower__media(j);
    }
    return rc;
}
