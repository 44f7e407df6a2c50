/*
 * Lowering: the entry, texts, and what is sent as it is or not. Parts are made by editing the original,
 * so that what this version doesn't know of a message goes along; a content of another
 * type is made anew.
 */
#include "model/lower.h"
#include "base/str.h"
#include "model/lower_job.h"
#include "model/split.h"
#include "model/table.h"

static const char *const note_names[] = {
    "quote_dropped",       "text_split",       "choices_to_buttons",     "choices_to_list",
    "choices_to_text",     "titles_shortened", "descriptions_shortened", "body_split",
    "header_to_body",      "footer_to_body",   "button_shortened",       "media_kind",
    "media_to_url",        "media_to_link",    "caption_to_text",        "template_to_text",
    "form_to_link",        "link_to_text",     "location_to_text",       "contacts_to_text",
    "appointment_to_text", "choices_spoken",   "urls_dropped",           "subject_to_text",
    "subject_dropped",     "html_dropped",     "attachments_to_media",   "attachments_dropped",
};

bool lower__spanish(const struct lower_job *j)
{
    struct hilo_str lang = hilo_get_str(j->message, HILO_T_MSG_LANGUAGE);

    if (str_starts(lang, STR("es")))
        return true;
    if (str_starts(lang, STR("en")))
        return false;
    return j->env->language && str_starts(str(j->env->language), STR("es"));
}

/* What an edit of the message makes one more part. */
static int32_t add_part(struct lower_job *j, const struct model_change *content)
{
    struct model_change c[3];
    size_t n = 0;

    if (j->n == LOWER_PARTS_MAX)
        return err_set(j->err, HILO_NOSUP, "the channel would need more than %d messages for it; shorten it",
                       LOWER_PARTS_MAX);
    if (content)
        c[n++] = *content;
    if (j->n > 0) {
        c[n++] = change_remove(HILO_T_MSG_REPLY_TO);
        c[n++] = change_remove(HILO_T_MSG_REPLY_EXT);
    }
    if (n == 0) {
        j->part[j->n++] = j->message;
        return HILO_OK;
    }
    if (model_edit(j->arena, j->message, c, n, &j->part[j->n], j->err))
        return HILO_INVALID;
    j->n++;
    return HILO_OK;
}

int32_t lower__emit_whole(struct lower_job *j, const struct model_change *content)
{
    return add_part(j, content);
}

int32_t lower__emit(struct lower_job *j, const struct model_change *changes, size_t n)
{
    const struct model_change content = change_into(HILO_T_MSG_CONTENT, changes, n);

    return add_part(j, n ? &content : NULL);
}

int32_t lower__emit_text(struct lower_job *j, struct hilo_str text)
{
    struct hilo_writer w;
    struct hilo_str rest = text, part;
    struct model_change content;
    int32_t rc;

    do {
        part = split_take(&rest, j->able->text_max);
        if (rest.n)
            j->notes |= NOTE_TEXT_SPLIT;
        arena_writer(j->arena, &w);
        hilo_put_u64(&w, HILO_T_CONTENT_TYPE, HILO_CONTENT_TEXT);
        hilo_put_str(&w, HILO_T_CONTENT_TEXT, part);
        content = change_str(HILO_T_MSG_CONTENT, hilo_written(&w));
        rc = add_part(j, &content);
    } while (!rc && rest.n);
    return rc;
}

static int32_t lower_text(struct lower_job *j)
{
    struct hilo_str rest = hilo_get_str(j->content, HILO_T_CONTENT_TEXT);
    struct model_change c;
    int32_t rc;

    if (!lower__can_text(j))
        return err_set(j->err, HILO_NOSUP, "the channel can't carry text");
    if (split_fits(rest, j->able->text_max))
        return lower__emit(j, NULL, 0);
    j->notes |= NOTE_TEXT_SPLIT;
    do {
        c = change_str(HILO_T_CONTENT_TEXT, split_take(&rest, j->able->text_max));
        rc = lower__emit(j, &c, 1);
    } while (!rc && rest.n);
    return rc;
}

/* What is sent as it is, or else as the text that its author gave for people. */
static int32_t or_its_text(struct lower_job *j, uint32_t type, const char *what, uint32_t note)
{
    struct hilo_str text = hilo_get_str(j->content, HILO_T_CONTENT_TEXT);

    if (lower__can(j, type))
        return lower__emit(j, NULL, 0);
    if (!lower__can_text(j))
        return err_set(j->err, HILO_NOSUP, "the channel can carry neither %ss nor text", what);
    if (text.n == 0)
        return err_set(j->err, HILO_NOSUP,
                       "the channel has no %ss; give the %s's \"text\", which is sent instead", what, what);
    j->notes |= note;
    return lower__emit_text(j, text);
}

/* A channel that sends media by link only gets the stored ones among a template's
 * parameters so too. */
static int32_t lower_template(struct lower_job *j)
{
    struct hilo_str rest = hilo_get_str(j->content, HILO_T_CONTENT_PARAMETERS), bytes, url, s;
    struct model_change c[2], params;
    struct hilo_writer w;
    struct hilo_field f;
    int32_t rc;

    if (!lower__can(j, HILO_CONTENT_TEMPLATE) || (j->able->flags & HILO_ABLE_MEDIA_FILE))
        return or_its_text(j, HILO_CONTENT_TEMPLATE, "template", NOTE_TEMPLATE);
    arena_writer(j->arena, &w);
    while (hilo_next(&rest, &f) == 1) {
        bytes = f.val;
        if (f.tag != HILO_T_PARAMS_BUTTONS && hilo_find(bytes, HILO_T_PARAM_MEDIA, &s)) {
            if (!(j->able->flags & HILO_ABLE_MEDIA_LINK) || !j->env->media_link)
                return err_set(j->err, HILO_NOSUP,
                               "the channel sends a template's media by link only, and there are no public "
                               "links to it; give a URL, or set http.public_url");
            rc = j->env->media_link(j->env->arg, hilo_get_id(bytes, HILO_T_PARAM_MEDIA), j->arena, &url,
                                    j->err);
            if (rc)
                return rc;
            c[0] = change_remove(HILO_T_PARAM_MEDIA);
            c[1] = change_str(HILO_T_PARAM_URL, url);
            if (model_edit(j->arena, bytes, c, 2, &bytes, j->err))
                return HILO_INVALID;
            j->notes |= NOTE_MEDIA_URL;
        }
        hilo_put_str(&w, f.tag, bytes);
    }
    params = change_str(HILO_T_CONTENT_PARAMETERS, hilo_written(&w));
    return lower__emit(j, &params, j->notes & NOTE_MEDIA_URL ? 1 : 0);
}

/* Signals and reactions are nothing without the channel's own way to show them. */
static int32_t only_as_it_is(struct lower_job *j, uint32_t type)
{
    const char *name = model_value_text(MODEL_E_CONTENT, type);
    uint64_t event = hilo_get_u64(j->content, HILO_T_CONTENT_EVENT);

    if (type && lower__can(j, type))
        return lower__emit(j, NULL, 0);
    if (type == HILO_CONTENT_REACTION)
        return err_set(j->err, HILO_NOSUP, "the channel can't carry a reaction; answer with a text instead");
    if (type == HILO_CONTENT_NOTE)
        return err_set(j->err, HILO_NOSUP, "a note is not for customers, and the channel can't carry it");
    if (type == HILO_CONTENT_SYSTEM)
        return err_set(j->err, HILO_NOSUP, "the channel has no way to say %s",
                       event == HILO_SYSTEM_TYPING ? "that an answer is being written"
                                                   : "that a message was read");
    return err_set(j->err, HILO_NOSUP, "the channel can't carry %s", name ? name : "this type of content");
}

/* Where the channel can't show what is answered, it is not told. */
static int32_t drop_quote(struct lower_job *j)
{
    const struct model_change c[] = {change_remove(HILO_T_MSG_REPLY_TO), change_remove(HILO_T_MSG_REPLY_EXT)};
    struct hilo_str s;

    if ((j->able->flags & HILO_ABLE_QUOTE) ||
        (!hilo_find(j->message, HILO_T_MSG_REPLY_TO, &s) && !hilo_find(j->message, HILO_T_MSG_REPLY_EXT, &s)))
        return HILO_OK;
    j->notes |= NOTE_QUOTE;
    return model_edit(j->arena, j->message, c, 2, &j->message, j->err);
}

static int32_t lower_by_type(struct lower_job *j, uint32_t type)
{
    bool taken = false;
    int32_t rc = j->able->flags & HILO_ABLE_SPOKEN ? lower__spoken(j, type, &taken) : HILO_OK;

    if (rc || taken)
        return rc;
    switch (type) {
    case HILO_CONTENT_TEXT:
        return lower_text(j);
    case HILO_CONTENT_MEDIA:
        return lower__media(j);
    case HILO_CONTENT_LOCATION:
        return lower__location(j);
    case HILO_CONTENT_CONTACTS:
        return lower__contacts(j);
    case HILO_CONTENT_TEMPLATE:
        return lower_template(j);
    case HILO_CONTENT_APPOINTMENT:
        return or_its_text(j, type, "appointment", NOTE_APPOINTMENT);
    case HILO_CONTENT_CHOICES:
        return lower__choices(j);
    case HILO_CONTENT_FORM:
        return lower__form(j);
    case HILO_CONTENT_LINK:
        return lower__link(j);
    default:
        return only_as_it_is(j, type);
    }
}

static void result(struct lower_job *j, struct lowered *out)
{
    const char *sep = "";
    size_t i;

    out->notes = STR("");
    for (i = 0; i < sizeof note_names / sizeof *note_names; i++) {
        if (!(j->notes >> i & 1))
            continue;
        out->notes = arena_fmt(j->arena, "%.*s%s%s", STR_FMT(out->notes), sep, note_names[i]);
        sep = " ";
    }
    out->n = j->n;
    out->message = arena_dup(j->arena, j->part, j->n * sizeof *j->part);
}

int32_t lower(struct hilo_str message, const struct hilo_abilities *able, const struct lower_env *env,
              struct arena *arena, struct lowered *out, struct err *e)
{
    struct lower_job j = {.message = message, .able = able, .env = env, .arena = arena, .err = e};
    uint32_t type = hilo_content_type(message);
    struct hilo_str subject, attachments;
    int32_t rc;

    /* Reactions and marks are about a message; others merely answer one. */
    if (type != HILO_CONTENT_REACTION && type != HILO_CONTENT_SYSTEM) {
        rc = drop_quote(&j);
        if (rc)
            return rc;
    }
    rc = lower__surroundings(&j, type, &subject, &attachments);
    j.content = hilo_content(j.message);
    if (!rc && subject.n)
        rc = lower__emit_text(&j, subject);
    if (!rc)
        rc = lower_by_type(&j, type);
    if (!rc && attachments.n)
        rc = lower__attachments(&j, attachments);
    if (!rc)
        result(&j, out);
    return rc;
}
