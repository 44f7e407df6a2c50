/*
 * The rules for outbound messages. Which fields a content type must and may have is
 * one table of bit sets by tag; the rest are short functions for one type each.
 */
#include "model/validate.h"
#include "base/str.h"
#include "model/address.h"
#include "model/jsoncheck.h"
#include "model/path.h"
#include "model/split.h"
#include "model/table.h"
#include <hilo/message.h>
#include <stdbool.h>

#define T(name) (UINT64_C(1) << HILO_T_CONTENT_##name)

/* Fields of each type that can be sent; the type itself always. Types that are not
 * here come from customers only. */
static const struct {
    uint64_t must, may;
} shape[] = {
    [HILO_CONTENT_TEXT] = {T(TEXT), T(PREVIEW_URL) | T(SUBJECT) | T(ATTACHMENTS) | T(HTML) | T(INVITATION)},
    [HILO_CONTENT_MEDIA] = {T(KIND), T(MEDIA) | T(URL) | T(MIME) | T(FILENAME) | T(CAPTION) | T(SIZE) |
                                         T(SHA256) | T(ANIMATED) | T(SUBJECT)},
    [HILO_CONTENT_LOCATION] = {T(LATITUDE) | T(LONGITUDE), T(NAME) | T(ADDRESS) | T(URL) | T(SUBJECT)},
    [HILO_CONTENT_CONTACTS] = {T(CONTACTS), T(SUBJECT)},
    [HILO_CONTENT_TEMPLATE] = {T(NAME) | T(LANGUAGE), T(PARAMETERS) | T(TEXT) | T(SUBJECT)},
    [HILO_CONTENT_CHOICES] = {T(TEXT) | T(CHOICES), T(HEADER) | T(FOOTER) | T(BUTTON) | T(SUBJECT) |
                                                        T(ATTACHMENTS) | T(INVITATION)},
    [HILO_CONTENT_REACTION] = {T(EMOJI), 0},
    [HILO_CONTENT_APPOINTMENT] = {T(TITLE) | T(STARTS), T(ENDS) | T(DESCRIPTION) | T(ADDRESS) | T(TEXT) |
                                                            T(NAME) | T(SUBJECT) | T(ATTACHMENTS) |
                                                            T(INVITATION)},
    [HILO_CONTENT_NOTE] = {T(TEXT), 0},
    [HILO_CONTENT_SYSTEM] = {T(EVENT), T(TEXT)},
    [HILO_CONTENT_FORM] = {T(TEXT) | T(NAME) | T(BUTTON),
                           T(HEADER) | T(FOOTER) | T(SCREEN) | T(DATA) | T(URL) | T(SUBJECT)},
    [HILO_CONTENT_LINK] = {T(TEXT) | T(BUTTON) | T(URL), T(HEADER) | T(FOOTER) | T(SUBJECT) | T(ATTACHMENTS)},
};

/* Strings: at most so many characters (0: none is checked here), and whether the
 * string may be empty. */
static const struct {
    uint32_t tag, max;
    bool empty;
} strings[] = {
    {HILO_T_CONTENT_TEXT, MODEL_TEXT_MAX, false},
    {HILO_T_CONTENT_FILENAME, 240, false},
    {HILO_T_CONTENT_CAPTION, MODEL_CAPTION_MAX, true},
    {HILO_T_CONTENT_NAME, MODEL_NAME_MAX, false},
    {HILO_T_CONTENT_ADDRESS, MODEL_NAME_MAX, true},
    {HILO_T_CONTENT_LANGUAGE, 35, false},
    {HILO_T_CONTENT_HEADER, MODEL_TITLE_MAX, false},
    {HILO_T_CONTENT_FOOTER, MODEL_TITLE_MAX, false},
    {HILO_T_CONTENT_BUTTON, MODEL_TITLE_MAX, false},
    {HILO_T_CONTENT_TITLE, MODEL_TITLE_MAX, false},
    {HILO_T_CONTENT_DESCRIPTION, MODEL_NAME_MAX, true},
    {HILO_T_CONTENT_EMOJI, 16, true},
    {HILO_T_CONTENT_MIME, 128, false},
    {HILO_T_CONTENT_URL, 0, false},
    {HILO_T_CONTENT_SCREEN, MODEL_TITLE_MAX, false},
    {HILO_T_CONTENT_SUBJECT, MODEL_SUBJECT_MAX, false},
    {HILO_T_CONTENT_HTML, MODEL_HTML_MAX, false},
};

static bool blank(struct hilo_str s)
{
    uint64_t i;

    for (i = 0; i < s.n; i++) {
        if ((uint8_t)s.p[i] > ' ')
            return false;
    }
    return true;
}

static int32_t invalid(struct err *e, const struct model_path *at, struct hilo_str key, const char *words)
{
    const struct model_path here = path_key(at, key);

    return path_fail(e, HILO_INVALID, &here, "%s", words);
}

static int32_t check_length(struct hilo_str s, size_t max, bool empty, const struct model_path *at,
                            struct err *e)
{
    if (!empty && blank(s))
        return path_fail(e, HILO_INVALID, at, "is empty; write something, or leave it out if it is optional");
    if (max && !split_fits(s, max))
        return path_fail(e, HILO_INVALID, at, "longer than %zu characters; shorten it", max);
    return HILO_OK;
}

static int32_t check_member(struct hilo_str group, uint32_t tag, const char *key, size_t max, bool must,
                            const struct model_path *at, struct err *e)
{
    const struct model_path here = path_key(at, str(key));
    struct hilo_str s;

    if (!hilo_find(group, tag, &s))
        return must ? path_fail(e, HILO_INVALID, &here, "is required") : HILO_OK;
    return check_length(s, max, !must, &here, e);
}

static int32_t check_url(struct hilo_str s, const struct model_path *at, struct err *e)
{
    uint64_t i, start = 0;

    if (str_starts(s, STR("https://")))
        start = 8;
    else if (str_starts(s, STR("http://")))
        start = 7;
    if (start == 0 || s.n == start || s.p[start] == '/')
        return path_fail(e, HILO_INVALID, at,
                         "must be a URL that begins with https:// or http:// and names a host");
    if (s.n > MODEL_URL_MAX)
        return path_fail(e, HILO_INVALID, at, "longer than %d bytes; shorten it", MODEL_URL_MAX);
    for (i = start; i < s.n; i++) {
        if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 0x7f || strchr("\"<>\\^`{|}", s.p[i]))
            return path_fail(e, HILO_INVALID, at, "has a character that no URL has; encode it as %%XX");
    }
    return HILO_OK;
}

/* ---- one type each ----------------------------------------------------------------- */

static int32_t check_media(struct hilo_str c, const struct model_path *at, struct err *e)
{
    struct hilo_str s, name;
    bool media = hilo_find(c, HILO_T_CONTENT_MEDIA, &s), url = hilo_find(c, HILO_T_CONTENT_URL, &s);

    if (!model_value_text(MODEL_E_MEDIA, hilo_get_u64(c, HILO_T_CONTENT_KIND)))
        return invalid(e, at, STR("kind"),
                       "unknown kind of media; expected image, audio, voice, video, document or sticker");
    if (media && url)
        return invalid(e, at, STR("url"), "give \"media\" or \"url\", not both");
    if (!media && !url)
        return invalid(e, at, STR("media"), "is required: the id of an uploaded media, or \"url\" instead");
    name = hilo_get_str(c, HILO_T_CONTENT_FILENAME);
    if (name.n && (memchr(name.p, '/', (size_t)name.n) || memchr(name.p, '\\', (size_t)name.n) ||
                   memchr(name.p, '\n', (size_t)name.n)))
        return invalid(e, at, STR("filename"), "must be a name without a folder or line breaks");
    return HILO_OK;
}

static int32_t check_location(struct hilo_str c, const struct model_path *at, struct err *e)
{
    double lat = hilo_get_f64(c, HILO_T_CONTENT_LATITUDE), lon = hilo_get_f64(c, HILO_T_CONTENT_LONGITUDE);

    if (!(lat >= -90 && lat <= 90))
        return invalid(e, at, STR("latitude"), "must be from -90 to 90 degrees");
    if (!(lon >= -180 && lon <= 180))
        return invalid(e, at, STR("longitude"), "must be from -180 to 180 degrees");
    return HILO_OK;
}

static int32_t check_contacts(struct hilo_str c, const struct model_path *at, struct err *e)
{
    const struct model_path list = path_key(at, STR("contacts"));
    struct hilo_field f, p;
    size_t i = 0, j;
    int32_t rc = HILO_OK;

    while (!rc && hilo_next(&c, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_CONTACTS)
            continue;
        const struct model_path here = path_index(&list, i++), phones = path_key(&here, STR("phones"));
        struct hilo_str rest = f.val;

        if (i > MODEL_CONTACTS_MAX)
            return path_fail(e, HILO_INVALID, &list, "more than %d contacts; send fewer", MODEL_CONTACTS_MAX);
        rc = check_member(f.val, HILO_T_CONTACT_NAME, "name", MODEL_NAME_MAX, true, &here, e);
        for (j = 0; !rc && hilo_next(&rest, &p) == 1;) {
            if (p.tag != HILO_T_CONTACT_PHONES)
                continue;
            const struct model_path at_phone = path_index(&phones, j++);
            rc = check_member(p.val, HILO_T_PHONE_NUMBER, "number", 64, true, &at_phone, e);
        }
    }
    return rc;
}

static int32_t check_param(struct hilo_str p, const struct model_path *at, struct err *e)
{
    struct hilo_str s;
    uint64_t type = hilo_find(p, HILO_T_PARAM_TYPE, &s) ? hilo_u64(s) : HILO_PARAM_TEXT;
    bool media = hilo_find(p, HILO_T_PARAM_MEDIA, &s), url = hilo_find(p, HILO_T_PARAM_URL, &s);
    const struct model_path at_url = path_key(at, STR("url"));

    switch (type) {
    case HILO_PARAM_TEXT:
    case HILO_PARAM_DATE_TIME:
        return check_member(p, HILO_T_PARAM_TEXT, "text", MODEL_TEXT_MAX, true, at, e);
    case HILO_PARAM_CURRENCY:
        if (hilo_get_str(p, HILO_T_PARAM_CURRENCY).n != 3)
            return invalid(e, at, STR("currency"), "must be three letters (ISO 4217), as in \"COP\"");
        if (!hilo_find(p, HILO_T_PARAM_AMOUNT_1000, &s))
            return invalid(e, at, STR("amount_1000"), "is required: a thousand times the amount");
        return check_member(p, HILO_T_PARAM_TEXT, "text", MODEL_TEXT_MAX, true, at, e);
    case HILO_PARAM_IMAGE:
    case HILO_PARAM_VIDEO:
    case HILO_PARAM_DOCUMENT:
        if (media == url)
            return invalid(e, at, STR("media"), "give exactly one of \"media\" and \"url\"");
        return url ? check_url(s, &at_url, e) : HILO_OK;
    case HILO_PARAM_LOCATION:
        if (!hilo_find(p, HILO_T_PARAM_LATITUDE, &s) || !hilo_find(p, HILO_T_PARAM_LONGITUDE, &s))
            return invalid(e, at, STR("latitude"), "latitude and longitude are required");
        return HILO_OK;
    default:
        return invalid(e, at, STR("type"), "unknown type of parameter");
    }
}

static int32_t check_button(struct hilo_str b, const struct model_path *at, struct err *e)
{
    uint64_t type = hilo_get_u64(b, HILO_T_BUTTON_TYPE);

    if (type != HILO_BUTTON_QUICK_REPLY && type != HILO_BUTTON_URL && type != HILO_BUTTON_COPY_CODE &&
        type != HILO_BUTTON_FLOW)
        return invalid(e, at, STR("type"), "is required: quick_reply, url, copy_code or flow");
    if (hilo_get_u64(b, HILO_T_BUTTON_INDEX) > 9)
        return invalid(e, at, STR("index"), "must be 0 to 9, the button's place in the template");
    return check_member(b, HILO_T_BUTTON_TEXT, "text", MODEL_URL_MAX, true, at, e);
}

/* Elements of one repeated field of the parameters, each by its check. */
static int32_t check_params_of(struct hilo_str params, uint32_t tag, const char *key,
                               int32_t (*check)(struct hilo_str, const struct model_path *, struct err *),
                               const struct model_path *at, struct err *e)
{
    const struct model_path list = path_key(at, str(key));
    struct hilo_field f;
    size_t i = 0;
    int32_t rc = HILO_OK;

    while (!rc && hilo_next(&params, &f) == 1) {
        if (f.tag != tag)
            continue;
        const struct model_path here = path_index(&list, i++);
        if (i > MODEL_PARAMS_MAX)
            return path_fail(e, HILO_INVALID, &list, "more than %d; no template has that many",
                             MODEL_PARAMS_MAX);
        rc = check(f.val, &here, e);
    }
    return rc;
}

static int32_t check_template(struct hilo_str c, const struct model_path *at, struct err *e)
{
    const struct model_path params = path_key(at, STR("parameters"));
    struct hilo_str p = hilo_get_str(c, HILO_T_CONTENT_PARAMETERS);
    int32_t rc;

    rc = check_params_of(p, HILO_T_PARAMS_HEADER, "header", check_param, &params, e);
    if (!rc)
        rc = check_params_of(p, HILO_T_PARAMS_BODY, "body", check_param, &params, e);
    if (!rc)
        rc = check_params_of(p, HILO_T_PARAMS_BUTTONS, "buttons", check_button, &params, e);
    return rc;
}

/* The choice's own fields, and that no earlier one has its id or title. */
static int32_t check_choice(const struct hilo_str *before, size_t n, struct hilo_str ch,
                            const struct model_path *at, struct err *e)
{
    struct hilo_str id = hilo_get_str(ch, HILO_T_CHOICE_ID), title = hilo_get_str(ch, HILO_T_CHOICE_TITLE);
    int32_t rc;
    size_t i;

    rc = check_member(ch, HILO_T_CHOICE_ID, "id", MODEL_CHOICE_ID_MAX, true, at, e);
    if (!rc)
        rc = check_member(ch, HILO_T_CHOICE_TITLE, "title", MODEL_TITLE_MAX, true, at, e);
    if (!rc)
        rc = check_member(ch, HILO_T_CHOICE_DESCRIPTION, "description", MODEL_NAME_MAX, false, at, e);
    if (!rc)
        rc = check_member(ch, HILO_T_CHOICE_SECTION, "section", MODEL_TITLE_MAX, false, at, e);
    if (rc)
        return rc;
    if (id.n > MODEL_CHOICE_ID_MAX)
        return invalid(e, at, STR("id"), "longer than 256 bytes; shorten it");
    if (memchr(title.p, '\n', (size_t)title.n))
        return invalid(e, at, STR("title"), "must be one line");
    for (i = 0; i < n; i++) {
        if (str_eq(id, hilo_get_str(before[i], HILO_T_CHOICE_ID)))
            return invalid(e, at, STR("id"), "the same id as another choice; make it different");
        if (str_eq(title, hilo_get_str(before[i], HILO_T_CHOICE_TITLE)))
            return invalid(e, at, STR("title"), "the same title as another choice; make it different");
    }
    if (n && hilo_get_str(ch, HILO_T_CHOICE_SECTION).n && !hilo_get_str(before[0], HILO_T_CHOICE_SECTION).n)
        return invalid(e, at, STR("section"), "the first choice has no section; give it one, or none to any");
    return HILO_OK;
}

static int32_t check_choices(struct hilo_str c, const struct model_path *at, struct err *e)
{
    const struct model_path list = path_key(at, STR("choices"));
    struct hilo_str choices[MODEL_CHOICES_MAX], rest = c;
    struct hilo_field f;
    size_t n = 0;
    int32_t rc = HILO_OK;

    while (!rc && hilo_next(&rest, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_CHOICES)
            continue;
        const struct model_path here = path_index(&list, n);
        if (n == MODEL_CHOICES_MAX)
            return path_fail(e, HILO_INVALID, &list, "more than %d choices; offer fewer", MODEL_CHOICES_MAX);
        rc = check_choice(choices, n, f.val, &here, e);
        choices[n++] = f.val;
    }
    return rc;
}

/* One line, of nothing that a header could be ended with. */
static bool one_line(struct hilo_str s)
{
    for (uint64_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

/* type/subtype, without parameters (RFC 6838, 4.2). */
static bool media_type(struct hilo_str s)
{
    struct hilo_str half[2];

    if (s.n > 127 || !str_cut(s, '/', &half[0], &half[1]))
        return false;
    for (unsigned i = 0; i < 2; i++) {
        if (half[i].n == 0)
            return false;
        for (uint64_t j = 0; j < half[i].n; j++) {
            char c = half[i].p[j];
            bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (!letter && (j == 0 || c == 0 || !strchr("!#$&-^_.+", c)))
                return false;
        }
    }
    return true;
}

/* What stands between "cid:" and the next quote of HTML, and between < and > in a header. */
static bool content_id(struct hilo_str s)
{
    for (uint64_t i = 0; i < s.n; i++)
        if ((uint8_t)s.p[i] <= ' ' || (uint8_t)s.p[i] >= 0x7f || strchr("<>\"'()\\,;", s.p[i]))
            return false;
    return s.n > 0 && s.n <= 200;
}

static int32_t check_attachment(struct hilo_str x, bool html, const struct model_path *at, struct err *e)
{
    const struct model_path at_url = path_key(at, STR("url"));
    struct hilo_str s, url;
    bool media = hilo_find(x, HILO_T_ATTACHMENT_MEDIA, &s),
         by_url = hilo_find(x, HILO_T_ATTACHMENT_URL, &url);

    if (hilo_find(x, HILO_T_ATTACHMENT_KIND, &s) && !model_value_text(MODEL_E_MEDIA, hilo_u64(s)))
        return invalid(e, at, STR("kind"),
                       "unknown kind of media; expected image, audio, voice, video, document or sticker");
    if (media == by_url)
        return invalid(e, at, STR("media"), "give exactly one of \"media\" and \"url\"");
    if (hilo_find(x, HILO_T_ATTACHMENT_EXT_MEDIA, &s))
        return invalid(e, at, STR("provider_media"), "comes from customers; it can't be sent");
    if (hilo_find(x, HILO_T_ATTACHMENT_MIME, &s) && !media_type(s))
        return invalid(e, at, STR("mime"), "must be a type and a subtype, as in \"application/pdf\"");
    if (hilo_find(x, HILO_T_ATTACHMENT_FILENAME, &s) &&
        (blank(s) || !split_fits(s, 240) || !one_line(s) || memchr(s.p, '/', (size_t)s.n) ||
         memchr(s.p, '\\', (size_t)s.n)))
        return invalid(e, at, STR("filename"),
                       "must be a name of at most 240 characters, without a folder or line breaks");
    if (hilo_find(x, HILO_T_ATTACHMENT_CONTENT_ID, &s) && !content_id(s))
        return invalid(e, at, STR("content_id"),
                       "must be 1 to 200 signs of ASCII without blanks, quotes and brackets, as in \"logo\"");
    if (hilo_find(x, HILO_T_ATTACHMENT_CONTENT_ID, &s) && !html)
        return invalid(e, at, STR("content_id"), "is for what is shown in \"html\", and there is none");
    return by_url ? check_url(url, &at_url, e) : HILO_OK;
}

static int32_t check_attachments(struct hilo_str c, const struct model_path *at, struct err *e)
{
    const struct model_path list = path_key(at, STR("attachments"));
    struct hilo_str rest = c, html;
    bool shown = hilo_find(c, HILO_T_CONTENT_HTML, &html);
    struct hilo_field f;
    size_t n = 0;
    int32_t rc = HILO_OK;

    while (!rc && hilo_next(&rest, &f) == 1) {
        if (f.tag != HILO_T_CONTENT_ATTACHMENTS)
            continue;
        const struct model_path here = path_index(&list, n);
        if (n++ == MODEL_ATTACHMENTS_MAX)
            return path_fail(e, HILO_INVALID, &list, "more than %d attachments; send fewer",
                             MODEL_ATTACHMENTS_MAX);
        rc = check_attachment(f.val, shown, &here, e);
    }
    return rc;
}

static int32_t check_invitation(struct hilo_str c, const struct model_path *at, struct err *e)
{
    static const struct {
        uint32_t tag;
        const char *key;
        bool must;
    } lines[] = {{HILO_T_INVITATION_UID, "uid", true},
                 {HILO_T_INVITATION_STATUS, "status", true},
                 {HILO_T_INVITATION_TIME_ZONE, "time_zone", false},
                 {HILO_T_INVITATION_TITLE, "title", true},
                 {HILO_T_INVITATION_PLACE, "place", false},
                 {HILO_T_INVITATION_ORGANIZER, "organizer", false},
                 {HILO_T_INVITATION_CODE, "code", false}};
    const struct model_path here = path_key(at, STR("invitation"));
    struct hilo_str x, s, ends;
    int32_t rc;

    if (!hilo_find(c, HILO_T_CONTENT_INVITATION, &x))
        return HILO_OK;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        rc = check_member(x, lines[i].tag, lines[i].key, MODEL_NAME_MAX, lines[i].must, &here, e);
        if (rc)
            return rc;
        if (!one_line(hilo_get_str(x, lines[i].tag)))
            return invalid(e, &here, str(lines[i].key), "must be one line");
    }
    s = hilo_get_str(x, HILO_T_INVITATION_STATUS);
    if (!str_eqz(s, "booked") && !str_eqz(s, "confirmed") && !str_eqz(s, "canceled"))
        return invalid(e, &here, STR("status"), "must be booked, confirmed or canceled");
    if (hilo_get_u64(x, HILO_T_INVITATION_SEQUENCE) > INT32_MAX)
        return invalid(e, &here, STR("sequence"), "must be less than 2147483648");
    if (!hilo_find(x, HILO_T_INVITATION_STARTS, &s))
        return invalid(e, &here, STR("starts"), "is required");
    if (hilo_find(x, HILO_T_INVITATION_ENDS, &ends) && hilo_u64(ends) < hilo_u64(s))
        return invalid(e, &here, STR("ends"), "is before \"starts\"");
    return HILO_OK;
}

/* What a form's first screen is filled with. */
static int32_t check_data(struct hilo_str c, const struct model_path *at, struct err *e)
{
    const struct json_limits limits = {.bytes_max = MODEL_DATA_MAX};
    struct hilo_str s;
    struct err why;
    cJSON *json = NULL;
    bool object;

    if (!hilo_find(c, HILO_T_CONTENT_DATA, &s))
        return HILO_OK;
    if (s.n > MODEL_DATA_MAX)
        return invalid(e, at, STR("data"), "longer than 32768 bytes; shorten it");
    object = json_parse(s, &limits, &why, &json) == HILO_OK && cJSON_IsObject(json);
    cJSON_Delete(json);
    return object ? HILO_OK : invalid(e, at, STR("data"), "must be the text of one JSON object");
}

/* What is about a message must say which. */
static int32_t check_about(struct hilo_str message, struct err *e)
{
    const struct model_path root = path_key(NULL, STR(""));
    struct hilo_str s;

    if (hilo_find(message, HILO_T_MSG_REPLY_TO, &s) || hilo_find(message, HILO_T_MSG_REPLY_EXT, &s))
        return HILO_OK;
    return invalid(e, &root, STR("reply_to"), "is required: the message it is about");
}

/* ---- the whole --------------------------------------------------------------------- */

static int32_t check_content(struct hilo_str message, struct hilo_str c, const struct model_path *at,
                             struct err *e)
{
    uint64_t type = hilo_get_u64(c, HILO_T_CONTENT_TYPE), seen = 0, may, missing;
    const char *name = model_value_text(MODEL_E_CONTENT, type);
    struct hilo_str rest = c, s;
    struct hilo_field f;
    size_t n, i;
    int32_t rc;

    if (!hilo_find(c, HILO_T_CONTENT_TYPE, &s))
        return invalid(e, at, STR("type"), "is required, as in \"text\"");
    if (!name)
        return invalid(e, at, STR("type"), "unknown type; expected as in \"text\"");
    if (type >= sizeof shape / sizeof *shape || shape[type].must == 0) {
        const struct model_path here = path_key(at, STR("type"));
        return path_fail(e, HILO_INVALID, &here, "\"%s\" comes from customers; it can't be sent", name);
    }
    may = shape[type].must | shape[type].may | T(TYPE);
    (void)model_fields(MODEL_G_CONTENT, &n);
    while (hilo_next(&rest, &f) == 1) {
        if (f.tag > n)
            continue; /* unknown: passes */
        seen |= UINT64_C(1) << f.tag;
        if (!(may >> f.tag & 1)) {
            const struct model_path here = path_key(at, str(model_field(MODEL_G_CONTENT, f.tag)->json));
            return path_fail(e, HILO_INVALID, &here, "has no place in a %s; remove it", name);
        }
    }
    missing = shape[type].must & ~seen;
    for (i = 1; i <= n; i++) {
        if (missing >> i & 1) {
            const struct model_path here = path_key(at, str(model_field(MODEL_G_CONTENT, (uint32_t)i)->json));
            return path_fail(e, HILO_INVALID, &here, "is required in a %s", name);
        }
    }
    for (i = 0; i < sizeof strings / sizeof *strings; i++) {
        if (!(seen >> strings[i].tag & 1))
            continue;
        const struct model_path here = path_key(at, str(model_field(MODEL_G_CONTENT, strings[i].tag)->json));
        (void)hilo_find(c, strings[i].tag, &s);
        rc = check_length(s, strings[i].max, strings[i].empty, &here, e);
        if (!rc && strings[i].tag == HILO_T_CONTENT_URL)
            rc = check_url(s, &here, e);
        if (rc)
            return rc;
    }
    if ((seen & T(SUBJECT)) && !one_line(hilo_get_str(c, HILO_T_CONTENT_SUBJECT)))
        return invalid(e, at, STR("subject"), "must be one line, without control characters");
    rc = seen & T(ATTACHMENTS) ? check_attachments(c, at, e) : HILO_OK;
    if (!rc && (seen & T(INVITATION)))
        rc = check_invitation(c, at, e);
    if (rc)
        return rc;
    switch (type) {
    case HILO_CONTENT_MEDIA:
        return check_media(c, at, e);
    case HILO_CONTENT_LOCATION:
        return check_location(c, at, e);
    case HILO_CONTENT_CONTACTS:
        return check_contacts(c, at, e);
    case HILO_CONTENT_TEMPLATE:
        return check_template(c, at, e);
    case HILO_CONTENT_CHOICES:
        return check_choices(c, at, e);
    case HILO_CONTENT_APPOINTMENT:
        if (hilo_find(c, HILO_T_CONTENT_ENDS, &s) && hilo_u64(s) < hilo_get_u64(c, HILO_T_CONTENT_STARTS))
            return invalid(e, at, STR("ends"), "is before \"starts\"");
        return HILO_OK;
    case HILO_CONTENT_SYSTEM:
        if (hilo_get_u64(c, HILO_T_CONTENT_EVENT) != HILO_SYSTEM_MARK_READ &&
            hilo_get_u64(c, HILO_T_CONTENT_EVENT) != HILO_SYSTEM_TYPING)
            return invalid(e, at, STR("event"), "only \"mark_read\" and \"typing\" can be sent");
        return check_about(message, e);
    case HILO_CONTENT_FORM:
        return check_data(c, at, e);
    case HILO_CONTENT_REACTION:
        return check_about(message, e);
    default:
        return HILO_OK;
    }
}

static int32_t check_party(struct hilo_str message, const struct model_path *root, struct err *e)
{
    const struct model_path list = path_key(root, STR("party")), here = path_index(&list, 0);
    struct hilo_field f;
    struct hilo_str v;
    size_t n = 0;

    while (hilo_next(&message, &f) == 1) {
        if (f.tag != HILO_T_MSG_PARTY)
            continue;
        if (n++)
            return path_fail(e, HILO_INVALID, &list, "more than one address; send one message to each");
        v = hilo_get_str(f.val, HILO_T_IDENT_VALUE);
        switch (hilo_get_u64(f.val, HILO_T_IDENT_SCHEME)) {
        case HILO_SCHEME_PHONE:
            if (!address_e164(v))
                return invalid(e, &here, STR("value"), "must be \"+\" and 8 to 15 digits (E.164)");
            break;
        case HILO_SCHEME_EMAIL:
            if (!address_email(v))
                return invalid(e, &here, STR("value"), "must be an email address");
            break;
        default:
            if (v.n == 0)
                return invalid(e, &here, STR("value"), "is required");
        }
    }
    return HILO_OK;
}

int32_t model_validate_outbound(struct hilo_str message, struct err *e)
{
    const struct model_path root = path_key(NULL, STR("")), at = path_key(&root, STR("content"));
    static const uint8_t wanted[] = {HILO_T_MSG_KIND,   HILO_T_MSG_CATEGORY, HILO_T_MSG_PRIORITY,
                                     HILO_T_MSG_DUE,    HILO_T_MSG_EXPIRES,  HILO_T_MSG_RECEIPT,
                                     HILO_T_MSG_CONTENT};
    enum { KIND, CATEGORY, PRIORITY, DUE, EXPIRES, RECEIPT, CONTENT, WANTED };
    struct hilo_str v[WANTED] = {{NULL, 0}}, rest = message;
    struct hilo_field f;
    int32_t rc;

    while (hilo_next(&rest, &f) == 1) /* one pass: it is done for each message */
        for (unsigned i = 0; i < WANTED; i++)
            if (f.tag == wanted[i] && !v[i].p)
                v[i] = f.val;
    if (hilo_u64(v[KIND]) != HILO_KIND_OUTBOUND)
        return invalid(e, &root, STR("kind"), "must be \"outbound\"");
    if (v[CATEGORY].p && !model_value_text(MODEL_E_CATEGORY, hilo_u64(v[CATEGORY])))
        return invalid(e, &root, STR("category"),
                       "unknown; expected service, transactional, promotional or authentication");
    if (hilo_u64(v[PRIORITY]) > 2)
        return invalid(e, &root, STR("priority"), "must be 0 (urgent), 1 (normal) or 2 (bulk)");
    if (v[EXPIRES].p && hilo_u64(v[EXPIRES]) <= hilo_u64(v[DUE]))
        return invalid(e, &root, STR("expires"), "is not after \"due\"; it would never be sent");
    if (v[RECEIPT].p)
        return invalid(e, &root, STR("receipt"), "has no place in an outbound message; remove it");
    rc = check_party(message, &root, e);
    if (rc)
        return rc;
    if (!v[CONTENT].p)
        return invalid(e, &root, STR("content"), "is required");
    return check_content(message, v[CONTENT], &at, e);
}
