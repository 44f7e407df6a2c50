/*
 * The mailbox against Dovecot (its imap program, one for each connection, known beforehand: PREAUTH), and
 * what is done with servers that refuse, that lie, or that anybody could be (a script speaks, and OpenSSL).
 */
#include "../../plugins/email/imap.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { PATIENCE_MS = 30000, PIDS = 64 };

static char dovecot[512]; /* where it is unpacked */

struct server {
    char dir[40], box[64];
    int listen, stop;
    uint16_t port;
    pthread_t thread;
    const char *const *script; /* NULL: Dovecot; else "COMMAND", "what is answered" …, NULL */
    char said[8192];           /* by the client to a script */
    const char *cert;          /* NULL: no TLS; a file of certificate and key */
    bool tls_first;            /* TLS from the start; else after STARTTLS */
    pthread_mutex_t lock;
    pid_t pid[PIDS];
    unsigned n_pids;
    unsigned mails;
};

struct client {
    struct imap *imap;
    int woken;
    struct imap_event ev;
    char words[256];
};

/* ---- Dovecot ------------------------------------------------------------------------------------ */

/* What Dovecot says reaches the client through us: as root it wants no socket for that. */
struct relay {
    int from, to;
};

static void *relay(void *arg)
{
    struct relay r = *(struct relay *)arg;
    char text[4096];
    ssize_t n;

    free(arg);
    while ((n = read(r.from, text, sizeof text)) > 0)
        if (send(r.to, text, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    (void)shutdown(r.to, SHUT_RDWR);
    (void)close(r.to);
    (void)close(r.from);
    return NULL;
}

static void spawn_dovecot(struct server *s, int fd)
{
    struct relay *r = malloc(sizeof *r);
    pthread_t thread;
    int says[2];
    uid_t uid = getuid() ? getuid() : 65534;
    gid_t gid = getuid() ? getgid() : 65534;
    char text[10][700], *env[12];
    unsigned n = 0;
    pid_t pid;

    (void)snprintf(text[n++], sizeof *text, "DOVECONF_ENV=1");
    (void)snprintf(text[n++], sizeof *text, "LD_LIBRARY_PATH=%s/usr/lib/dovecot", dovecot);
    (void)snprintf(text[n++], sizeof *text, "BASE_DIR=%s/run", s->dir);
    (void)snprintf(text[n++], sizeof *text, "LOG_PATH=%s/log", s->dir);
    (void)snprintf(text[n++], sizeof *text, "MAIL_LOCATION=maildir:%s", s->box);
    (void)snprintf(text[n++], sizeof *text, "MAIL_UID=%u", uid);
    (void)snprintf(text[n++], sizeof *text, "MAIL_GID=%u", gid);
    (void)snprintf(text[n++], sizeof *text, "FIRST_VALID_UID=1");
    (void)snprintf(text[n++], sizeof *text, "USER=soporte");
    (void)snprintf(text[n++], sizeof *text, "HOME=%s", s->dir);
    for (unsigned i = 0; i < n; i++)
        env[i] = text[i];
    env[n] = NULL;
    assert_non_null(r);
    assert_int_equal(pipe2(says, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        char path[600];
        char *argv[] = {path, NULL};

        (void)snprintf(path, sizeof path, "%s/usr/lib/dovecot/imap", dovecot);
        (void)dup2(fd, 0);
        (void)dup2(says[1], 1);
        (void)execve(path, argv, env);
        _exit(127);
    }
    (void)close(says[1]);
    *r = (struct relay){says[0], fd};
    assert_int_equal(pthread_create(&thread, NULL, relay, r), 0);
    (void)pthread_detach(thread);
    (void)pthread_mutex_lock(&s->lock);
    if (pid > 0 && s->n_pids < PIDS)
        s->pid[s->n_pids++] = pid;
    (void)pthread_mutex_unlock(&s->lock);
}

/* The connections break. */
static void cut(struct server *s)
{
    (void)pthread_mutex_lock(&s->lock);
    while (s->n_pids) {
        (void)kill(s->pid[--s->n_pids], SIGKILL);
        (void)waitpid(s->pid[s->n_pids], NULL, 0);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

/* ---- a script ------------------------------------------------------------------------------------- */

struct peer {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};

static void peer_say(struct peer *p, const char *text)
{
    if (p->ssl)
        (void)SSL_write(p->ssl, text, (int)strlen(text));
    else
        (void)!send(p->fd, text, strlen(text), MSG_NOSIGNAL);
}

static bool peer_byte(struct peer *p, char *c)
{
    return (p->ssl ? SSL_read(p->ssl, c, 1) : (int)recv(p->fd, c, 1, 0)) == 1;
}

static bool peer_tls(struct peer *p, const char *cert)
{
    p->ctx = SSL_CTX_new(TLS_server_method());
    if (!p->ctx || SSL_CTX_use_certificate_chain_file(p->ctx, cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(p->ctx, cert, SSL_FILETYPE_PEM) != 1)
        return false;
    p->ssl = SSL_new(p->ctx);
    return p->ssl && SSL_set_fd(p->ssl, p->fd) == 1 && SSL_accept(p->ssl) == 1;
}

/* The answer to a command; %T becomes its tag. false: there is none in the script. */
static bool peer_answer(struct server *s, struct peer *p, char *line)
{
    char out[4096], *what = strchr(line, ' ');
    const char *in;
    size_t k = 0;
    unsigned i;

    if (!what)
        return false;
    *what++ = '\0';
    for (i = 1; s->script[i]; i += 2)
        if (strncmp(what, s->script[i], strlen(s->script[i])) == 0)
            break;
    if (!s->script[i])
        return false;
    for (in = s->script[i + 1]; *in && k < sizeof out - 100; in++)
        if (in[0] == '%' && in[1] == 'T') {
            k += (size_t)snprintf(out + k, 64, "%s", line);
            in++;
        } else {
            out[k++] = *in;
        }
    out[k] = '\0';
    peer_say(p, out);
    return !s->cert || p->ssl || strncmp(what, "STARTTLS", 8) != 0 || peer_tls(p, s->cert);
}

static void play(struct server *s, int fd)
{
    struct peer p = {.fd = fd};
    char line[2048];
    size_t n = 0, k;

    if (s->tls_first && !peer_tls(&p, s->cert))
        goto out;
    peer_say(&p, s->script[0]);
    while (n < sizeof line - 1 && peer_byte(&p, &line[n])) {
        if (line[n++] != '\n')
            continue;
        line[n] = '\0';
        n = 0;
        (void)pthread_mutex_lock(&s->lock);
        k = strlen(s->said);
        (void)snprintf(s->said + k, sizeof s->said - k, "%s", line);
        (void)pthread_mutex_unlock(&s->lock);
        if (!peer_answer(s, &p, line))
            break;
    }
out:
    SSL_free(p.ssl);
    SSL_CTX_free(p.ctx);
    (void)close(fd);
}

/* ---- servers ---------------------------------------------------------------------------------------- */

static void *serve(void *arg)
{
    struct server *s = arg;
    struct pollfd p[2] = {{.fd = s->listen, .events = POLLIN}, {.fd = s->stop, .events = POLLIN}};
    int fd;

    while (poll(p, 2, -1) > 0 && !p[1].revents) {
        fd = accept4(s->listen, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        if (s->script)
            play(s, fd);
        else
            spawn_dovecot(s, fd);
    }
    return NULL;
}

static void make_dir(const char *path)
{
    assert_int_equal(mkdir(path, 0700), 0);
    if (getuid() == 0)
        assert_int_equal(chown(path, 65534, 65534), 0);
}

static void server_start(struct server *s, const char *const *script)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    char path[128];

    memset(s, 0, sizeof *s);
    s->script = script;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)snprintf(s->dir, sizeof s->dir, "/tmp/hilo-imap-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    if (getuid() == 0)
        assert_int_equal(chown(s->dir, 65534, 65534), 0);
    (void)snprintf(s->box, sizeof s->box, "%s/box", s->dir);
    make_dir(s->box);
    (void)snprintf(path, sizeof path, "%s/run", s->dir);
    make_dir(path);
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", s->box, i == 0 ? "tmp" : i == 1 ? "new" : "cur");
        make_dir(path);
    }
    s->listen = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s->stop = eventfd(0, EFD_CLOEXEC);
    assert_int_equal(bind(s->listen, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->listen, 16), 0);
    assert_int_equal(getsockname(s->listen, (struct sockaddr *)&at, &len), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_stop(struct server *s)
{
    const uint64_t one = 1;
    char command[100];

    assert_int_equal(write(s->stop, &one, sizeof one), sizeof one);
    (void)pthread_join(s->thread, NULL);
    cut(s);
    (void)close(s->listen);
    (void)close(s->stop);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", s->dir);
    assert_int_equal(system(command), 0);
}

/* As a mail server delivers: whole, or not at all. seen: somebody has read it already. */
static void deliver(struct server *s, const char *text, bool seen)
{
    char from[160], to[160];
    FILE *f;

    (void)snprintf(from, sizeof from, "%s/tmp/%u.test", s->box, s->mails);
    (void)snprintf(to, sizeof to, "%s/%s/%u.test%s", s->box, seen ? "cur" : "new", 1000000 + s->mails,
                   seen ? ":2,S" : "");
    s->mails++;
    f = fopen(from, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    if (getuid() == 0)
        assert_int_equal(chown(from, 65534, 65534), 0);
    assert_int_equal(rename(from, to), 0);
}

/* How many files of a folder's cur and new have (not: have not) all these flags. */
static unsigned count(struct server *s, const char *folder, const char *flags)
{
    char path[160];
    unsigned n = 0, i;
    struct dirent *e;
    DIR *d;

    for (i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "%s/%s/%s", s->box, folder, i ? "cur" : "new");
        d = opendir(path);
        while (d && (e = readdir(d))) {
            const char *f = strstr(e->d_name, ":2,"), *p;

            if (e->d_name[0] == '.')
                continue;
            for (p = flags; *p && f && strchr(f + 3, *p); p++)
                ;
            n += !*p;
        }
        if (d)
            (void)closedir(d);
    }
    return n;
}

/* ---- the mailbox ----------------------------------------------------------------------------------------
 */

static void wake(void *arg)
{
    const uint64_t one = 1;

    (void)!write(((struct client *)arg)->woken, &one, sizeof one);
}

static struct hilo_str str(const char *s)
{
    return (struct hilo_str){s, strlen(s)};
}

static void open_box(struct client *c, const struct server *s, struct imap_conf conf, uint32_t validity,
                     uint32_t after)
{
    char url[80], why[256] = "";

    memset(c, 0, sizeof *c);
    c->woken = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)snprintf(url, sizeof url, "imap://127.0.0.1:%u/INBOX", s->port);
    if (!conf.url.n)
        conf.url = str(url);
    conf.user = str("soporte");
    conf.secret = str("s3cret \"\\");
    if (!conf.size_max)
        conf.size_max = 100000;
    conf.poll_us = 200000;
    c->imap = imap_new(&conf, validity, after, wake, c, why);
    if (!c->imap)
        fail_msg("%s", why);
}

static void close_box(struct client *c)
{
    imap_free(c->imap);
    (void)close(c->woken);
}

static void next(struct client *c, enum imap_event_type type)
{
    struct pollfd p = {.fd = c->woken, .events = POLLIN};
    uint64_t n;

    while (!imap_next(c->imap, &c->ev)) {
        if (poll(&p, 1, PATIENCE_MS) <= 0)
            fail_msg("event %d does not come", type);
        (void)!read(c->woken, &n, sizeof n);
    }
    (void)snprintf(c->words, sizeof c->words, "%.*s", (int)c->ev.words.n, c->ev.words.n ? c->ev.words.p : "");
    if (c->ev.type != type)
        fail_msg("event %d, not %d: %s", c->ev.type, type, c->words);
}

static void mail_is(struct client *c, const char *text)
{
    next(c, IMAP_MAIL);
    assert_int_equal(c->ev.bytes.n, strlen(text));
    assert_memory_equal(c->ev.bytes.p, text, strlen(text));
}

static const struct imap_conf plain = {.tls = IMAP_TLS_NEVER};

/* What comes while it idles is told at once; it is seen when it is taken and not before. */
static void mails_come(void **state)
{
    struct imap_event none;
    struct server s;
    struct client c;
    uint32_t validity, cursor;

    (void)state;
    server_start(&s, NULL);
    deliver(&s, "Subject: old\n\nread\n", true);
    deliver(&s, "Subject: uno\n\nhola\n", false);
    deliver(&s, "Subject: dos\n\n\n", false);
    deliver(&s, "Subject: older\n\nread\n", true);
    open_box(&c, &s, plain, 0, 0);
    next(&c, IMAP_UP);
    mail_is(&c, "Subject: uno\r\n\r\nhola\r\n");
    validity = c.ev.uidvalidity;
    assert_int_equal(c.ev.cursor, 0);
    assert_false(imap_next(c.imap, &none)); /* one at a time */
    assert_int_equal(count(&s, "", "S"), 2);
    imap_taken(c.imap, c.ev.uid + 100, true); /* another's */
    assert_memory_equal(c.ev.bytes.p, "Subject: uno", 12);
    imap_taken(c.imap, c.ev.uid, true);
    mail_is(&c, "Subject: dos\r\n\r\n\r\n");
    assert_true(c.ev.cursor >= 4); /* behind the read ones too */
    assert_int_equal(count(&s, "", "S"), 3);
    imap_taken(c.imap, c.ev.uid, true);
    deliver(&s, "Subject: tres\n\n", false);
    mail_is(&c, "Subject: tres\r\n\r\n");
    assert_int_equal(count(&s, "", "S"), 4);
    assert_int_equal(c.ev.uid, c.ev.cursor);
    imap_taken(c.imap, c.ev.uid, true);
    cursor = c.ev.cursor;
    deliver(&s, "Subject: cuatro\n\n", false);
    mail_is(&c, "Subject: cuatro\r\n\r\n");
    close_box(&c); /* without an answer */
    assert_int_equal(count(&s, "", "S"), 5);
    assert_int_equal(count(&s, "", ""), 6);
    /* It goes on behind what was kept. */
    open_box(&c, &s, plain, validity, cursor);
    next(&c, IMAP_UP);
    mail_is(&c, "Subject: cuatro\r\n\r\n");
    imap_taken(c.imap, c.ev.uid, true);
    deliver(&s, "Subject: cinco\n\n", false);
    mail_is(&c, "Subject: cinco\r\n\r\n");
    assert_int_equal(count(&s, "", ""), 7);
    close_box(&c);
    server_stop(&s);
}

/* Not taken, it comes again; when the connection breaks meanwhile, it is seen all the same, and once. */
static void not_taken_and_cut(void **state)
{
    struct server s;
    struct client c;
    uint32_t uid;

    (void)state;
    server_start(&s, NULL);
    deliver(&s, "Subject: uno\n\n", false);
    open_box(&c, &s, plain, 0, 0);
    next(&c, IMAP_UP);
    mail_is(&c, "Subject: uno\r\n\r\n");
    uid = c.ev.uid;
    imap_taken(c.imap, uid, false);
    mail_is(&c, "Subject: uno\r\n\r\n");
    assert_int_equal(c.ev.uid, uid);
    assert_int_equal(count(&s, "", "S"), 0);
    cut(&s);
    imap_taken(c.imap, uid, true);
    next(&c, IMAP_DOWN);
    next(&c, IMAP_UP);
    deliver(&s, "Subject: dos\n\n", false);
    mail_is(&c, "Subject: dos\r\n\r\n");
    assert_int_equal(count(&s, "", "S"), 1);
    close_box(&c);
    server_stop(&s);
}

static void moved_and_too_large(void **state)
{
    struct imap_conf conf = plain;
    struct server s;
    struct client c;
    char large[3000];

    (void)state;
    server_start(&s, NULL);
    conf.move_to = str("Gateway done");
    conf.size_max = 2000;
    memset(large, 'x', sizeof large);
    memcpy(large, "Subject: x\n\n", 12);
    large[sizeof large - 1] = '\0';
    deliver(&s, large, false);
    deliver(&s, "Subject: uno\n\n", false);
    open_box(&c, &s, conf, 0, 0);
    next(&c, IMAP_UP);
    next(&c, IMAP_TOO_LARGE);
    mail_is(&c, "Subject: uno\r\n\r\n");
    assert_int_equal(count(&s, "", "F"), 1);
    assert_int_equal(count(&s, "", "S"), 0);
    imap_taken(c.imap, c.ev.uid, true);
    deliver(&s, "Subject: dos\n\n", false);
    mail_is(&c, "Subject: dos\r\n\r\n");
    assert_int_equal(count(&s, ".Gateway done", "S"), 1);
    assert_int_equal(count(&s, "", ""), 2); /* the large one, and that which is out */
    close_box(&c);
    server_stop(&s);
}

/* The mailbox was made anew: UIDs say nothing any more, what is unseen comes. */
static void made_anew(void **state)
{
    struct server s;
    struct client c;
    uint32_t validity;
    char command[200];

    (void)state;
    server_start(&s, NULL);
    deliver(&s, "Subject: uno\n\n", false);
    open_box(&c, &s, plain, 0, 0);
    next(&c, IMAP_UP);
    mail_is(&c, "Subject: uno\r\n\r\n");
    validity = c.ev.uidvalidity;
    imap_taken(c.imap, c.ev.uid, true);
    deliver(&s, "Subject: dos\n\n", false);
    next(&c, IMAP_MAIL);
    close_box(&c);
    cut(&s);
    (void)snprintf(command, sizeof command, "rm -f '%s'/dovecot*", s.box);
    assert_int_equal(system(command), 0);
    open_box(&c, &s, plain, validity + 100000, 1000);
    next(&c, IMAP_RESET);
    next(&c, IMAP_UP);
    mail_is(&c, "Subject: dos\r\n\r\n");
    assert_int_not_equal(c.ev.uidvalidity, validity + 100000);
    close_box(&c);
    server_stop(&s);
}

/* ---- servers that refuse, and strangers -------------------------------------------------------------------
 */

#define CAPS           "CAPABILITY"
#define CAPS_SAY(more) "* CAPABILITY IMAP4rev1" more "\r\n%T OK done\r\n"
#define BYE            "LOGOUT", "* BYE bye\r\n%T OK done\r\n"

static void scripts(void **state)
{
    static const char *const
        refuses[] = {"* OK hi\r\n", CAPS, CAPS_SAY(""), "LOGIN", "%T NO [AUTHENTICATIONFAILED] No\r\n",
                     BYE,           NULL},
        *const not_now[] = {"* OK hi\r\n", CAPS, CAPS_SAY(""), "LOGIN", "%T NO [UNAVAILABLE] Later\r\n",
                            BYE,           NULL},
        *const no_login[] = {"* OK hi\r\n", CAPS, CAPS_SAY(" LOGINDISABLED"), BYE, NULL},
        *const no_tls[] = {"* OK hi\r\n", CAPS, CAPS_SAY(""), BYE, NULL},
        *const known[] = {"* PREAUTH hi\r\n", BYE, NULL},
        *const forged[] = {"* OK hi\r\n",
                           CAPS,
                           CAPS_SAY(" STARTTLS"),
                           "STARTTLS",
                           "%T OK go\r\n* CAPABILITY IMAP4rev1 AUTH=EVIL\r\n",
                           BYE,
                           NULL},
        *const no_box[] = {"* OK hi\r\n",
                           CAPS,
                           CAPS_SAY(""),
                           "LOGIN",
                           "%T OK done\r\n",
                           "SELECT",
                           "%T NO [NONEXISTENT] There is none\r\n",
                           BYE,
                           NULL},
        *const nonsense[] = {"SSH-2.0-OpenSSH\r\n", NULL};
    static const struct {
        const char *const *script;
        uint32_t tls;
        enum imap_event_type what;
        const char *words;
        bool secret; /* whether the password may be said */
    } each[] = {{refuses, IMAP_TLS_NEVER, IMAP_CONFIG, "refuses imap_user or imap_password", true},
                {not_now, IMAP_TLS_MAY, IMAP_DOWN, "Later", true},
                {no_login, IMAP_TLS_MAY, IMAP_CONFIG, "LOGIN", false},
                {no_tls, IMAP_TLS_REQUIRED, IMAP_CONFIG, "STARTTLS", false},
                {known, IMAP_TLS_REQUIRED, IMAP_CONFIG, "PREAUTH", false},
                {forged, IMAP_TLS_REQUIRED, IMAP_DOWN, "STARTTLS", false},
                {forged, IMAP_TLS_MAY, IMAP_DOWN, "STARTTLS", false},
                {no_box, IMAP_TLS_NEVER, IMAP_CONFIG, "can't be opened", true},
                {nonsense, IMAP_TLS_NEVER, IMAP_DOWN, "greeting", false}};
    struct imap_conf conf = plain;
    struct server s;
    struct client c;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof each / sizeof *each; i++) {
        server_start(&s, each[i].script);
        conf.tls = each[i].tls;
        open_box(&c, &s, conf, 0, 0);
        next(&c, each[i].what);
        if (!strstr(c.words, each[i].words))
            fail_msg("%zu: %s", i, c.words);
        close_box(&c);
        server_stop(&s);
        if (each[i].secret)
            assert_non_null(strstr(s.said, " LOGIN soporte \"s3cret \\\"\\\\\"\r\n"));
        else
            assert_null(strstr(s.said, "s3cret"));
    }
    /* Nobody is there. */
    memset(&s, 0, sizeof s);
    s.port = 1;
    open_box(&c, &s, plain, 0, 0);
    next(&c, IMAP_DOWN);
    close_box(&c);
}

/* A certificate for so and so, and its text. */
static char *certify(const char *path, const char *name)
{
    static char text[8192];
    char command[400];
    size_t n;
    FILE *f;

    (void)snprintf(
        command, sizeof command,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test "
        "-addext subjectAltName=%s -keyout %s.key -out %s 2>/dev/null && cat %s.key >>%s && rm %s.key",
        name, path, path, path, path, path);
    assert_int_equal(system(command), 0);
    f = fopen(path, "r");
    assert_non_null(f);
    n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    text[n] = '\0';
    return text;
}

/* The password is said to the server that it is for, and to nobody else. */
static void who_the_server_is(void **state)
{
    static const char *const now[] =
        {"* OK hi\r\n", CAPS, CAPS_SAY(""), "LOGIN", "%T OK done\r\n", "SELECT", "%T NO There is none\r\n",
         BYE,           NULL},
                             *const later[] = {"* OK hi\r\n",
                                               CAPS,
                                               CAPS_SAY(" STARTTLS"),
                                               "STARTTLS",
                                               "%T OK go\r\n",
                                               "LOGIN",
                                               "%T OK done\r\n",
                                               "SELECT",
                                               "%T NO There is none\r\n",
                                               BYE,
                                               NULL};
    static const struct {
        const char *name;
        bool first, ours, good;
    } each[] = {{"IP:127.0.0.1", true, true, true},       {"IP:127.0.0.1", false, true, true},
                {"IP:127.0.0.1", true, false, false},     {"IP:127.0.0.1", false, false, false},
                {"DNS:other.example", true, true, false}, {"IP:127.0.0.2", false, true, false},
                {"DNS:127.0.0.1", true, true, false}};
    char path[] = "/tmp/hilo-imap-cert-XXXXXX", url[80];
    struct imap_conf conf = {.tls = IMAP_TLS_REQUIRED};
    struct server s;
    struct client c;
    char *text;
    size_t i;

    (void)state;
    (void)close(mkstemp(path));
    for (i = 0; i < sizeof each / sizeof *each; i++) {
        text = certify(path, each[i].name);
        server_start(&s, each[i].first ? now : later);
        s.tls_first = each[i].first;
        s.cert = path;
        conf.ca = str(each[i].ours ? text : "");
        (void)snprintf(url, sizeof url, "%s://127.0.0.1:%u/INBOX", each[i].first ? "imaps" : "imap", s.port);
        conf.url = str(url);
        open_box(&c, &s, conf, 0, 0);
        next(&c, each[i].good ? IMAP_CONFIG : IMAP_DOWN);
        if (!strstr(c.words, each[i].good ? "can't be opened" : "TLS"))
            fail_msg("%zu: %s", i, c.words);
        close_box(&c);
        server_stop(&s);
        if ((strstr(s.said, "s3cret") != NULL) != each[i].good)
            fail_msg("%zu: %s", i, s.said);
    }
    (void)unlink(path);
}

static void by_a_token(void **state)
{
    static const char *const yes[] = {"* OK hi\r\n",
                                      CAPS,
                                      CAPS_SAY(" AUTH=XOAUTH2 SASL-IR"),
                                      "AUTHENTICATE XOAUTH2",
                                      "%T OK done\r\n",
                                      "SELECT",
                                      "%T NO There is none\r\n",
                                      BYE,
                                      NULL},
                             *const no[] = {"* OK hi\r\n",
                                            CAPS,
                                            CAPS_SAY(" AUTH=XOAUTH2 SASL-IR"),
                                            "AUTHENTICATE XOAUTH2",
                                            "%T NO [AUTHENTICATIONFAILED] Expired\r\n",
                                            BYE,
                                            NULL};
    struct imap_conf conf = plain;
    struct server s;
    struct client c;

    (void)state;
    conf.oauth = 1;
    server_start(&s, yes);
    open_box(&c, &s, conf, 0, 0);
    next(&c, IMAP_CONFIG);
    assert_non_null(strstr(c.words, "can't be opened"));
    close_box(&c);
    server_stop(&s);
    /* user=soporte ^A auth=Bearer s3cret "\ ^A ^A */
    assert_non_null(strstr(s.said, "dXNlcj1zb3BvcnRlAWF1dGg9QmVhcmVyIHMzY3JldCAiXAEB"));
    server_start(&s, no);
    open_box(&c, &s, conf, 0, 0);
    next(&c, IMAP_CONFIG);
    assert_non_null(strstr(c.words, "refuses imap_user"));
    close_box(&c);
    server_stop(&s);
}

static void urls(void **state)
{
    static const char *const wrong[] = {"imap://",      "imap:///INBOX", "http://x/",
                                        "imap://u@x/",  "imap://x:0/",   "imap://x:99999/",
                                        "imap://x:9z/", "imap://[::1/",  "imap://x/a\r\nb"};
    struct imap_conf conf = plain;
    char why[256];
    size_t i;

    (void)state;
    conf.user = conf.secret = str("x");
    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        conf.url = str(wrong[i]);
        why[0] = '\0';
        assert_null(imap_new(&conf, 0, 0, wake, NULL, why));
        assert_true(why[0]);
    }
}

static int setup(void **state)
{
    FILE *p = popen("sh tests/email/dovecot.sh", "re");

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    if (!p || !fgets(dovecot, sizeof dovecot, p) || pclose(p) != 0)
        return -1;
    dovecot[strcspn(dovecot, "\n")] = '\0';
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mails_come),
        cmocka_unit_test(not_taken_and_cut),
        cmocka_unit_test(moved_and_too_large),
        cmocka_unit_test(made_anew),
        cmocka_unit_test(scripts),
        cmocka_unit_test(urls),
        cmocka_unit_test(who_the_server_is),
        cmocka_unit_test(by_a_token),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
