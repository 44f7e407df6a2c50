/*
 * A test plugin that can all that mail can, without mail: it writes what it is to send into a file and
 * submits what is posted to it. It sees only hilo/.
 *
 * option out: a line for each thing of a message that it is to send, "letter N" before them and "sent N"
 * behind, N being its provider's id:
 *   to ADDRESS · subject S · html BYTES · attachment MIME NAME CID FIRST-BYTES · choice ID URL
 *   unsubscribe URL · invitation UID SEQUENCE STATUS TITLE PLACE ORGANIZER ZONE STARTS ENDS · type N
 * and "fetched WHICH" and "stored WHICH CODE".
 *
 * POST /hooks/{channel}: the body, a message's bytes, is submitted, and the code answered when it is
 * committed. fetch() gives the bytes of WHICH itself, but for those that begin so:
 *   "again-"  HILO_TEMP the first time, by a file that remembers
 *   "never-"  HILO_PERM
 *   "hold-"   the first time nothing at all, likewise
 */
#include <fcntl.h>
#include <hilo/message.h>
#include <hilo/plugin.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIT(s) ((struct hilo_str){(s), sizeof(s) - 1})
#define FMT(s) (int)(s).n, (s).p ? (s).p : ""
enum { TEXT_MAX = 65536 };

struct conf {
    struct hilo_str out;
};
static const struct hilo_option options[] = {
    {HILO_OPTION(struct conf, out, HILO_OPT_STR), .name = "out", .flags = HILO_OPT_REQUIRED,
     .help = "What it was to send."},
};

/* A message of which an attachment is being asked for. */
struct letter_job {
    struct letter_job *next;
    uint64_t token;
    struct hilo_id id;
    char *lines;   /* so far */
    char *message; /* its bytes */
    uint64_t n;
    unsigned at; /* the attachment that is asked for */
};

struct letter {
    const struct hilo_host *host;
    struct hilo_self *self;
    const struct conf *conf;
    struct letter_job *jobs;
    uint64_t last;
};

static void put(struct letter *l, const char *line)
{
    int fd = open(l->conf->out.p, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

    if (fd < 0 || write(fd, line, strlen(line)) != (ssize_t)strlen(line))
        abort();
    close(fd);
}

static void add(struct letter_job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct letter_job *j, const char *fmt, ...)
{
    size_t n = strlen(j->lines);
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(j->lines + n, TEXT_MAX - n, fmt, ap);
    va_end(ap);
}

static int32_t letter_open(const struct hilo_host *host, struct hilo_self *self, const void *conf,
                           void **inst)
{
    struct letter *l = calloc(1, sizeof *l);

    if (!l)
        return HILO_NOMEM;
    l->host = host;
    l->self = self;
    l->conf = conf;
    l->last = (uint64_t)host->wall_us(self); /* ids are new after a restart, too */
    *inst = l;
    return HILO_OK;
}

static int32_t letter_start(void *inst)
{
    struct letter *l = inst;

    l->host->credit(l->self, 100);
    l->host->state(l->self, HILO_OK, LIT("open"));
    return HILO_OK;
}

static void job_free(struct letter_job *j)
{
    free(j->lines);
    free(j->message);
    free(j);
}

static void letter_close(void *inst)
{
    struct letter *l = inst;

    while (l->jobs) {
        struct letter_job *j = l->jobs;
        l->jobs = j->next;
        job_free(j);
    }
    free(l);
}

/* ---- out --------------------------------------------------------------------------------- */

static struct hilo_str attachment(const struct letter_job *j, unsigned at)
{
    struct hilo_str rest = hilo_content((struct hilo_str){j->message, j->n}), none = {0, 0};
    struct hilo_field f;

    while (hilo_next(&rest, &f) == 1)
        if (f.tag == HILO_T_CONTENT_ATTACHMENTS && at-- == 0)
            return f.val;
    return none;
}

static void finish(struct letter *l, struct letter_job *j)
{
    char ext[32];
    struct hilo_report r = {.size = sizeof r, .code = HILO_OK, .id = j->id};

    r.ext_id = (struct hilo_str){
        ext, (uint64_t)snprintf(ext, sizeof ext, "<%llu@letter>", (unsigned long long)j->token)};
    add(j, "sent %llu\n", (unsigned long long)j->token);
    put(l, j->lines);
    for (struct letter_job **p = &l->jobs; *p; p = &(*p)->next)
        if (*p == j) {
            *p = j->next;
            break;
        }
    job_free(j);
    l->host->report(l->self, &r);
}

/* The next attachment, or the end. */
static void go_on(struct letter *l, struct letter_job *j)
{
    struct hilo_str a = attachment(j, j->at);

    if (!a.p) {
        finish(l, j);
        return;
    }
    if (l->host->media_get(l->self, j->token, hilo_get_id(a, HILO_T_ATTACHMENT_MEDIA)) != HILO_OK)
        abort();
}

static void letter_on_media(void *inst, uint64_t token, int32_t code, int32_t fd, struct hilo_str mime,
                            struct hilo_str filename, uint64_t size)
{
    struct letter *l = inst;
    struct letter_job *j = l->jobs;
    char head[16] = "";

    (void)mime;
    (void)filename;
    (void)size;
    while (j && j->token != token)
        j = j->next;
    if (!j || code != HILO_OK || read(fd, head, sizeof head - 1) < 0)
        abort();
    close(fd);
    struct hilo_str a = attachment(j, j->at++);
    add(j, "attachment %.*s %.*s %.*s %s\n", FMT(hilo_get_str(a, HILO_T_ATTACHMENT_MIME)),
        FMT(hilo_get_str(a, HILO_T_ATTACHMENT_FILENAME)), FMT(hilo_get_str(a, HILO_T_ATTACHMENT_CONTENT_ID)),
        head);
    go_on(l, j);
}

static void add_content(struct letter_job *j, struct hilo_str rest)
{
    struct hilo_field f;

    while (hilo_next(&rest, &f) == 1) {
        if (f.tag == HILO_T_CONTENT_TYPE)
            add(j, "type %u\n", (unsigned)hilo_u64(f.val));
        if (f.tag == HILO_T_CONTENT_SUBJECT)
            add(j, "subject %.*s\n", FMT(f.val));
        if (f.tag == HILO_T_CONTENT_TEXT)
            add(j, "text %.*s\n", FMT(f.val));
        if (f.tag == HILO_T_CONTENT_HTML)
            add(j, "html %u\n", (unsigned)f.val.n);
        if (f.tag == HILO_T_CONTENT_CHOICES)
            add(j, "choice %.*s %.*s\n", FMT(hilo_get_str(f.val, HILO_T_CHOICE_ID)),
                FMT(hilo_get_str(f.val, HILO_T_CHOICE_URL)));
        if (f.tag == HILO_T_CONTENT_INVITATION)
            add(j, "invitation %.*s %u %.*s|%.*s|%.*s|%.*s|%.*s|%llu|%llu|%u\n",
                FMT(hilo_get_str(f.val, HILO_T_INVITATION_UID)),
                (unsigned)hilo_get_u64(f.val, HILO_T_INVITATION_SEQUENCE),
                FMT(hilo_get_str(f.val, HILO_T_INVITATION_STATUS)),
                FMT(hilo_get_str(f.val, HILO_T_INVITATION_TITLE)),
                FMT(hilo_get_str(f.val, HILO_T_INVITATION_PLACE)),
                FMT(hilo_get_str(f.val, HILO_T_INVITATION_ORGANIZER)),
                FMT(hilo_get_str(f.val, HILO_T_INVITATION_TIME_ZONE)),
                (unsigned long long)hilo_get_u64(f.val, HILO_T_INVITATION_STARTS),
                (unsigned long long)hilo_get_u64(f.val, HILO_T_INVITATION_ENDS),
                (unsigned)hilo_get_u64(f.val, HILO_T_INVITATION_ASKS));
    }
}

static int32_t letter_send(void *inst, struct hilo_id id, struct hilo_str message)
{
    struct letter *l = inst;
    struct letter_job *j = calloc(1, sizeof *j);
    struct hilo_str url;

    if (!j || !(j->lines = calloc(1, TEXT_MAX)) || !(j->message = malloc(message.n)))
        abort();
    memcpy(j->message, message.p, message.n);
    j->n = message.n;
    j->id = id;
    j->token = ++l->last;
    j->next = l->jobs;
    l->jobs = j;
    add(j, "letter %llu\nto %.*s\n", (unsigned long long)j->token,
        FMT(hilo_get_str(hilo_get_str(message, HILO_T_MSG_PARTY), HILO_T_IDENT_VALUE)));
    if (hilo_find(message, HILO_T_MSG_UNSUBSCRIBE_URL, &url))
        add(j, "unsubscribe %.*s\n", FMT(url));
    add_content(j, hilo_content(message));
    go_on(l, j);
    return HILO_OK;
}

/* ---- in ---------------------------------------------------------------------------------- */

static void answer(struct letter *l, uint64_t request, uint32_t status, int32_t code)
{
    char text[16];
    struct hilo_http h = {.size = sizeof h, .status = status, .sink_fd = -1};

    h.body = (struct hilo_str){text, (uint64_t)snprintf(text, sizeof text, "%d", (int)code)};
    (void)l->host->http_answer(l->self, request, &h);
}

static void letter_on_request(void *inst, uint64_t request, const struct hilo_http *h)
{
    struct letter *l = inst;

    if (l->host->submit(l->self, request, h->body) != HILO_OK)
        answer(l, request, 503, HILO_FULL);
}

static void letter_committed(void *inst, uint64_t token, int32_t code)
{
    answer(inst, token, code == HILO_OK || code == HILO_DUPLICATE ? 200 : 422, code);
}

/* Whether it is the first time, kept beside out over restarts. */
static int first_time(const struct letter *l, struct hilo_str which)
{
    char path[512];
    int fd;

    (void)snprintf(path, sizeof path, "%s.%.*s", l->conf->out.p, FMT(which));
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int begins(struct hilo_str s, const char *head)
{
    return s.n >= strlen(head) && memcmp(s.p, head, strlen(head)) == 0;
}

static void letter_fetch(void *inst, uint64_t job, struct hilo_str message, struct hilo_str which, int32_t fd)
{
    struct letter *l = inst;
    int32_t code = HILO_OK;
    char line[256];

    (void)message;
    (void)snprintf(line, sizeof line, "fetch %.*s\n", FMT(which));
    put(l, line);
    if (begins(which, "hold-") && first_time(l, which)) {
        close(fd);
        return;
    }
    if (begins(which, "never-"))
        code = HILO_PERM;
    else if (begins(which, "again-") && first_time(l, which))
        code = HILO_TEMP;
    else if (write(fd, which.p, which.n) != (ssize_t)which.n)
        code = HILO_IO;
    close(fd);
    l->host->fetched(l->self, job, code, LIT(""), LIT("as asked"), 0);
}

static const struct hilo_abilities abilities = {
    .size = sizeof abilities,
    .contents = (1u << HILO_CONTENT_TEXT) | (1u << HILO_CONTENT_CHOICES) | (1u << HILO_CONTENT_APPOINTMENT),
    .text_max = 65536,
    .buttons_max = 50,
    .button_title_max = 200,
    .body_max = 65536,
    .header_max = 200,
    .footer_max = 200,
    .choice_id_max = 256,
    .flags = HILO_ABLE_MEDIA_FILE | HILO_ABLE_RECEIPTS | HILO_ABLE_QUOTE | HILO_ABLE_SUBJECT |
             HILO_ABLE_ATTACHMENTS | HILO_ABLE_CHOICE_LINKS | HILO_ABLE_UNSUBSCRIBE | HILO_ABLE_HTML,
    .schemes = 1u << HILO_SCHEME_EMAIL,
    .media_max = {1000, 0, 0, 0, 0, 800, 0, 0},
};

const struct hilo_plugin hilo_plugin_v1 = {
    .magic = HILO_PLUGIN_MAGIC,
    .size = sizeof hilo_plugin_v1,
    .minor = HILO_PLUGIN_MINOR,
    .option_size = sizeof(struct hilo_option),
    .provides = HILO_CAN_ALL_V1,
    .name = "letter",
    .version = "1.0",
    .license = "Apache-2.0",
    .summary = "Letters, as files.",
    .abilities = &abilities,
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .conf_size = sizeof(struct conf),
    .open = letter_open,
    .start = letter_start,
    .send = letter_send,
    .committed = letter_committed,
    .on_request = letter_on_request,
    .on_media = letter_on_media,
    .fetch = letter_fetch,
    .close = letter_close,
};
