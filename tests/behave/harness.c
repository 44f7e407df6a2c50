/* Driving the gateway from outside. See harness.h. */
#include "harness.h"
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

const char *harness_build(void)
{
    const char *b = getenv("HILO_BUILD");

    return b ? b : "build/debug-gcc";
}

/* ---- folders and files ---- */

void scratch_init(struct scratch *s)
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(s->dir, sizeof s->dir, "%s/hilo-test-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(s->dir));
}

static int run_quietly(const char *const *argv)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        union {
            const char *const *in;
            char *const *out;
        } u = {argv};
        execvp(argv[0], u.out);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void scratch_done(struct scratch *s)
{
    const char *const argv[] = {"rm", "-rf", s->dir, NULL};

    (void)run_quietly(argv);
}

const char *scratch_path(const struct scratch *s, const char *name)
{
    static char ring[8][256];
    static unsigned next;
    char *p = ring[next++ % 8];

    (void)snprintf(p, sizeof ring[0], "%s/%s", s->dir, name);
    return p;
}

void file_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

char *file_read(const char *path, size_t *n_out)
{
    FILE *f = fopen(path, "r");
    char *p = NULL;
    size_t n = 0, cap = 0, got;

    assert_non_null(f);
    do {
        cap += 65536;
        p = realloc(p, cap + 1);
        assert_non_null(p);
        got = fread(p + n, 1, cap - n, f);
        n += got;
    } while (got);
    p[n] = '\0';
    (void)fclose(f);
    if (n_out)
        *n_out = n;
    return p;
}

/* ---- growing bytes ---- */

struct sink {
    char *p;
    size_t n;
};

static size_t sink_add(char *data, size_t size, size_t n, void *arg)
{
    struct sink *s = arg;
    char *p = realloc(s->p, s->n + size * n + 1);

    if (!p)
        return 0;
    memcpy(p + s->n, data, size * n);
    s->p = p;
    s->n += size * n;
    p[s->n] = '\0';
    return size * n;
}

/* ---- processes ---- */

struct process {
    pid_t pid;
    int fd;
    pthread_t reader;
    pthread_mutex_t lock;
    pthread_cond_t more;
    char **line;
    unsigned n, cap, seen;
    bool ended, reaped;
    int status;
};

static void process_add(struct process *p, const char *s, size_t n)
{
    (void)pthread_mutex_lock(&p->lock);
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 256;
        p->line = realloc(p->line, p->cap * sizeof *p->line);
        if (!p->line)
            abort();
    }
    p->line[p->n] = strndup(s, n);
    if (!p->line[p->n++])
        abort();
    (void)pthread_cond_broadcast(&p->more);
    (void)pthread_mutex_unlock(&p->lock);
}

static void *process_read(void *arg)
{
    struct process *p = arg;
    char buf[65536];
    size_t n = 0;

    for (;;) {
        ssize_t got = read(p->fd, buf + n, sizeof buf - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
        char *start = buf, *end;
        while ((end = memchr(start, '\n', n - (size_t)(start - buf))) != NULL) {
            process_add(p, start, (size_t)(end - start));
            start = end + 1;
        }
        n -= (size_t)(start - buf);
        memmove(buf, start, n);
        if (n == sizeof buf)
            n = 0;
    }
    if (n)
        process_add(p, buf, n);
    (void)pthread_mutex_lock(&p->lock);
    p->ended = true;
    (void)pthread_cond_broadcast(&p->more);
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct process *process_start(const char *const *argv)
{
    struct process *p = calloc(1, sizeof *p);
    union {
        const char *const *in;
        char *const *out;
    } u = {argv};
    int fd[2];

    assert_non_null(p);
    assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)dup2(fd[1], 1);
        (void)dup2(fd[1], 2);
        execv(argv[0], u.out);
        (void)dprintf(2, "%s can't be run: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    (void)close(fd[1]);
    p->fd = fd[0];
    assert_int_equal(pthread_mutex_init(&p->lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&p->more, NULL), 0);
    assert_int_equal(pthread_create(&p->reader, NULL, process_read, p), 0);
    return p;
}

pid_t process_pid(const struct process *p)
{
    return p->pid;
}

static bool has_words(const char *line, const char *const *word, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!strstr(line, word[i]))
            return false;
    return true;
}

void process_show(const struct process *p)
{
    for (unsigned i = p->n > 60 ? p->n - 60 : 0; i < p->n; i++)
        print_message("  | %s\n", p->line[i]);
}

/* Looks from line *at on; *at is behind the line found. NULL: none came. */
static const char *process_look(struct process *p, unsigned *at, unsigned nth, const char *const *words,
                                unsigned n)
{
    const char *found = NULL;
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    (void)pthread_mutex_lock(&p->lock);
    while (!found) {
        while (*at < p->n && !found) {
            const char *line = p->line[(*at)++];
            if (has_words(line, words, n) && --nth == 0)
                found = line;
        }
        if (found || p->ended)
            break;
        if (pthread_cond_timedwait(&p->more, &p->lock, &until) == ETIMEDOUT)
            break;
    }
    if (!found) {
        process_show(p);
        print_message("  no line with \"%s\"%s%s came%s\n", words[0], n > 1 ? " and " : "",
                      n > 1 ? words[1] : "", p->ended ? " before the process ended" : "");
    }
    (void)pthread_mutex_unlock(&p->lock);
    assert_non_null(found);
    return found;
}

static unsigned words_of(const char **words, const char *word, va_list ap)
{
    unsigned n = 1;

    words[0] = word;
    while (n < 8 && (words[n] = va_arg(ap, const char *)) != NULL)
        n++;
    return n;
}

const char *process_wait_line(struct process *p, const char *word, ...)
{
    const char *words[8];
    unsigned n;
    va_list ap;

    va_start(ap, word);
    n = words_of(words, word, ap);
    va_end(ap);
    return process_look(p, &p->seen, 1, words, n);
}

const char *process_wait_nth(struct process *p, unsigned nth, const char *word, ...)
{
    const char *words[8];
    unsigned n, at = 0;
    va_list ap;

    va_start(ap, word);
    n = words_of(words, word, ap);
    va_end(ap);
    return process_look(p, &at, nth, words, n);
}

bool process_came(struct process *p, const char *word)
{
    struct timespec until;
    bool found = false;
    unsigned at = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    (void)pthread_mutex_lock(&p->lock);
    for (;;) {
        while (at < p->n && !found)
            found = strstr(p->line[at++], word) != NULL;
        if (found || p->ended)
            break;
        if (pthread_cond_timedwait(&p->more, &p->lock, &until) == ETIMEDOUT)
            break;
    }
    bool hangs = !found && !p->ended;
    if (hangs)
        process_show(p);
    (void)pthread_mutex_unlock(&p->lock);
    if (hangs)
        fail_msg("neither \"%s\" came nor its end", word);
    return found;
}

char *process_output(struct process *p)
{
    struct sink all = {0};

    (void)process_wait(p);
    for (unsigned i = 0; i < p->n; i++) {
        (void)sink_add(p->line[i], 1, strlen(p->line[i]), &all);
        (void)sink_add((char[]){"\n"}, 1, 1, &all);
    }
    return all.p ? all.p : strdup("");
}

void process_skip(struct process *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->seen = p->n;
    (void)pthread_mutex_unlock(&p->lock);
}

unsigned process_count(struct process *p, const char *word)
{
    unsigned count = 0;

    (void)pthread_mutex_lock(&p->lock);
    for (unsigned i = 0; i < p->n; i++)
        count += strstr(p->line[i], word) != NULL;
    (void)pthread_mutex_unlock(&p->lock);
    return count;
}

bool process_saw(struct process *p, const char *word)
{
    return process_count(p, word) != 0;
}

void process_signal(struct process *p, int signo)
{
    assert_int_equal(kill(p->pid, signo), 0);
}

int process_wait(struct process *p)
{
    if (!p->reaped) {
        while (waitpid(p->pid, &p->status, 0) < 0)
            assert_int_equal(errno, EINTR);
        p->reaped = true;
        (void)pthread_join(p->reader, NULL);
    }
    return WIFEXITED(p->status) ? WEXITSTATUS(p->status) : 128 + WTERMSIG(p->status);
}

void process_free(struct process **pp)
{
    struct process *p = *pp;

    if (!p)
        return;
    if (!p->reaped) {
        (void)kill(p->pid, SIGKILL);
        (void)process_wait(p);
    }
    (void)close(p->fd);
    for (unsigned i = 0; i < p->n; i++)
        free(p->line[i]);
    free(p->line);
    (void)pthread_mutex_destroy(&p->lock);
    (void)pthread_cond_destroy(&p->more);
    free(p);
    *pp = NULL;
}

/* ---- HTTP ---- */

void answer_done(struct answer *a)
{
    free(a->body);
    free(a->headers);
    cJSON_Delete(a->json);
    *a = (struct answer){0};
}

struct answer http_do(const char *method, const char *url, const char *key, const char *body,
                      const char *const *headers)
{
    return http_bytes(method, url, key, body, body ? strlen(body) : 0, headers);
}

struct answer http_bytes(const char *method, const char *url, const char *key, const void *body,
                         size_t n_body, const char *const *headers)
{
    struct answer a = {0};
    struct sink in = {0}, head = {0};
    struct curl_slist *list = NULL;
    CURL *c = curl_easy_init();
    bool typed = false;
    char auth[256];

    assert_non_null(c);
    /* A long body waits for the gateway's word: a refusal that comes while it is still being sent
     * may be lost with the connection. */
    list = curl_slist_append(list, n_body > 1 << 20 ? "Expect: 100-continue" : "Expect:");
    curl_easy_setopt(c, CURLOPT_EXPECT_100_TIMEOUT_MS, (long)DEADLINE_S * 1000);
    for (; headers && *headers; headers++) {
        list = curl_slist_append(list, *headers);
        typed |= strncmp(*headers, "Content-Type:", 13) == 0;
    }
    if (key) {
        (void)snprintf(auth, sizeof auth, "Authorization: Bearer %s", key);
        list = curl_slist_append(list, auth);
    }
    if (body) {
        if (!typed)
            list = curl_slist_append(list, "Content-Type: application/json");
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n_body);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
    if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, sink_add);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &in);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, sink_add);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &head);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)DEADLINE_S);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    if (curl_easy_perform(c) == CURLE_OK)
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a.status);
    curl_easy_cleanup(c);
    curl_slist_free_all(list);
    a.body = in.p ? in.p : strdup("");
    a.n = in.n;
    a.headers = head.p ? head.p : strdup("");
    a.json = cJSON_ParseWithLength(a.body, a.n);
    return a;
}

const cJSON *json_at(const cJSON *j, const char *path)
{
    char name[128];

    while (j && *path) {
        size_t n = strcspn(path, "/");
        (void)snprintf(name, sizeof name, "%.*s", (int)n, path);
        j = cJSON_IsArray(j) ? cJSON_GetArrayItem(j, atoi(name)) : cJSON_GetObjectItemCaseSensitive(j, name);
        path += n + (path[n] == '/');
    }
    return j;
}

const char *answer_str(const struct answer *a, const char *path)
{
    const cJSON *j = json_at(a->json, path);

    return !j ? NULL : cJSON_IsString(j) ? j->valuestring : "";
}

void answer_is(const struct answer *a, long status, const char *code, const char *pointer)
{
    const char *is_code = answer_str(a, "code"), *is_pointer = answer_str(a, "pointer");
    bool good = a->status == status && (!code || (is_code && strcmp(is_code, code) == 0)) &&
                (!pointer || strcmp(is_pointer ? is_pointer : "", pointer) == 0);

    if (!good)
        print_message("expected %ld %s %s, came %ld: %s\n", status, code ? code : "", pointer ? pointer : "",
                      a->status, a->body);
    assert_true(good);
}

double answer_num(const struct answer *a, const char *path)
{
    const cJSON *j = json_at(a->json, path);

    return j && cJSON_IsNumber(j) ? j->valuedouble : -1;
}

/* ---- the simulator ---- */

void sim_start(struct sim *s, const char *const *extra)
{
    char bin[256];
    const char *argv[32] = {bin,
                            "--port",
                            "0",
                            "--token",
                            "sim-token",
                            "--phone-number-id",
                            "106540352242922",
                            "--waba-id",
                            "102290129340398",
                            "--retry-min-ms",
                            "20",
                            "--retry-max-ms",
                            "200"};
    unsigned n = 13;
    const char *line;

    (void)snprintf(bin, sizeof bin, "%s/sim/hilo-sim-whatsapp", harness_build());
    while (extra && *extra && n < 31)
        argv[n++] = *extra++;
    argv[n] = NULL;
    s->process = process_start(argv);
    line = process_wait_line(s->process, "ready port=", NULL);
    s->port = atoi(strstr(line, "port=") + 5);
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", s->port);
}

void sim_stop(struct sim *s)
{
    process_free(&s->process);
}

__attribute__((format(printf, 1, 0))) static char *vformat(const char *fmt, va_list ap)
{
    char *p = NULL;

    assert_true(vasprintf(&p, fmt, ap) >= 0);
    return p;
}

static struct answer do_at(const char *method, const char *base, const char *path, const char *key,
                           const char *body)
{
    char url[1024];

    (void)snprintf(url, sizeof url, "%s%s", base, path);
    return http_do(method, url, key, body, NULL);
}

struct answer sim_post(struct sim *s, const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *body = vformat(fmt, ap);
    va_end(ap);
    struct answer a = do_at("POST", s->url, path, NULL, body);
    if (a.status != 200)
        print_message("the simulator answered %ld to %s %s: %s\n", a.status, path, body, a.body);
    assert_int_equal(a.status, 200);
    free(body);
    return a;
}

void sim_set(struct sim *s, const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *body = vformat(fmt, ap);
    va_end(ap);
    struct answer a = sim_post(s, path, "%s", body);
    answer_done(&a);
    free(body);
}

struct answer sim_get(struct sim *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *path = vformat(fmt, ap);
    va_end(ap);
    struct answer a = do_at("GET", s->url, path, NULL, NULL);
    assert_int_equal(a.status, 200);
    free(path);
    return a;
}

struct answer sim_messages(struct sim *s, unsigned n)
{
    struct answer a = sim_get(s, "/_sim/messages?min=%u&wait_ms=%d", n, DEADLINE_S * 1000);

    assert_true(cJSON_GetArraySize(json_at(a.json, "messages")) >= (int)n);
    return a;
}

void sim_quiet(struct sim *s)
{
    struct answer a = sim_post(s, "/_sim/quiet", "{\"wait_ms\":%d}", DEADLINE_S * 1000);

    assert_true(cJSON_IsTrue(json_at(a.json, "quiet")));
    answer_done(&a);
}

void sim_text(struct sim *s, const char *from, const char *text, char *id)
{
    struct answer a = sim_post(
        s, "/_sim/inbound", "{\"from\":\"%s\",\"name\":\"Ana\",\"type\":\"text\",\"text\":{\"body\":\"%s\"}}",
        from, text);

    if (id)
        (void)snprintf(id, 128, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

unsigned sim_count(struct sim *s, const char *name)
{
    struct answer a = sim_get(s, "/_sim/counts");
    double n = answer_num(&a, name);

    answer_done(&a);
    assert_true(n >= 0);
    return (unsigned)n;
}

/* ---- the gateway ---- */

/* Whoever else runs tests here may not have it either: an abstract name says that it is taken until
 * this process ends. Below the ports that the kernel gives to connections. */
static bool port_is_ours(int port)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int n = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "hilo-test-port-%d", port);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (bind(fd, (struct sockaddr *)&name,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0)
        return true; /* the socket stays open: it is the mark */
    (void)close(fd);
    return false;
}

static bool port_is_free(int port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is;

    assert_true(fd >= 0);
    is = bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
    (void)close(fd);
    return is;
}

int free_port(void)
{
    enum { FIRST = 10240, END = 25000 }; /* tests/peers take theirs from there on */
    static unsigned drawn;
    unsigned try = 0;
    int port;

    do {
        drawn = drawn * 1103515245u + 12345u + (unsigned)getpid() * 2654435761u;
        port = FIRST + (int)((drawn >> 8) % (END - FIRST));
        assert_true(try++ < END);
    } while (!port_is_ours(port) || !port_is_free(port));
    return port;
}

void gate_configure(struct gate *g)
{
    static const char meta[] = "    account: \"102290129340398\"\n    phone_number_id: \"106540352242922\"\n"
                               "    waba_id: \"102290129340398\"\n    token: sim-token\n"
                               "    app_secret: sim-app-secret\n    verify_token: sim-verify\n";
    /* The same tests, with the channel on a thread or in a process of its own. */
    const char *isolation = g->isolation ? g->isolation : getenv("HILO_ISOLATION");
    char *yaml = NULL, to[64] = "";

    if (!g->type)
        (void)snprintf(to, sizeof to, "    base_url: http://127.0.0.1:%d\n", g->sim->port);
    assert_true(
        asprintf(&yaml,
                 "gateway:\n  name: Test\n  language: es\n  data_dir: %s/data\n  plugin_dir: %s/plugins\n"
                 "  isolation: %s\n%s"
                 "store:\n  segment_size: %s\n  map_size: 2G\n%s"
                 "http:\n  listen: 127.0.0.1:%d\n%s%s%s\n"
                 "log: {level: debug}\n"
                 "channels:\n  wa:\n    type: %s\n%s%s%s%s%s"
                 "routes:\n  - scheme: phone\n    channel: wa\n%s",
                 g->scratch->dir, harness_build(), isolation ? isolation : "thread", g->extra_gateway,
                 g->segment_size ? g->segment_size : "16M", g->extra_store, g->port, g->extra_http,
                 g->public_url ? "  public_url: " : "", g->public_url ? g->public_url : "",
                 g->type ? g->type : "whatsapp", g->channel ? g->channel : meta, to,
                 /* What is not what a test is about: it says so itself. */
                 strstr(g->extra_channel, "window:") ? "" : "    window: provider\n",
                 strstr(g->extra_channel, "rate:") ? "" : "    rate: 0\n    pair_interval: 0s\n",
                 g->extra_channel, g->extra) > 0);
    file_write(scratch_path(g->scratch, "hilo.yaml"), yaml);
    free(yaml);
}

void gate_launch(struct gate *g)
{
    char bin[256], yaml[256];
    const char *argv[12] = {"/usr/bin/env"}; /* it becomes what it runs */
    unsigned n = 1;

    process_free(&g->process);
    (void)snprintf(bin, sizeof bin, "%s/hilod", harness_build());
    (void)snprintf(yaml, sizeof yaml, "%s/hilo.yaml", g->scratch->dir);
    for (unsigned i = 0; i < 4 && g->env[i]; i++)
        argv[n++] = g->env[i];
    argv[n++] = bin;
    argv[n++] = "-c";
    argv[n++] = yaml;
    g->process = process_start(argv);
}

void gate_again(struct gate *g)
{
    const char *line;

    gate_launch(g);
    line = process_wait_line(g->process, "gateway.ready", "port=", NULL);
    assert_int_equal(atoi(strstr(line, "port=") + 5), g->port);
}

static void gate_key(struct gate *g)
{
    struct sink in = {0};
    CURL *c = curl_easy_init();
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    char path[256];
    long status = 0;

    assert_non_null(c);
    (void)snprintf(path, sizeof path, "%s/data/control.sock", g->scratch->dir);
    curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, path);
    curl_easy_setopt(c, CURLOPT_URL, "http://localhost/v1/keys");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, "{\"name\":\"test\",\"scopes\":[\"all\"]}");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, sink_add);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &in);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)DEADLINE_S);
    assert_int_equal(curl_easy_perform(c), CURLE_OK);
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    assert_int_equal(status, 201);
    cJSON *j = cJSON_Parse(in.p);
    const cJSON *key = json_at(j, "key");
    assert_non_null(key);
    (void)snprintf(g->key, sizeof g->key, "%s", key->valuestring);
    cJSON_Delete(j);
    free(in.p);
    curl_slist_free_all(list);
    curl_easy_cleanup(c);
}

void gate_prepare(struct gate *g, struct scratch *scratch, struct sim *sim)
{
    g->scratch = scratch;
    g->sim = sim;
    if (!g->port)
        g->port = free_port();
    (void)snprintf(g->url, sizeof g->url, "http://127.0.0.1:%d", g->port);
    gate_configure(g);
}

void gate_start(struct gate *g, struct scratch *scratch, struct sim *sim)
{
    gate_prepare(g, scratch, sim);
    gate_again(g);
    if (!g->key[0])
        gate_key(g);
    if (!sim)
        return;
    struct answer a = sim_post(sim, "/_sim/config", "{\"webhook_url\":\"%s/hooks/wa\"}", g->url);
    answer_done(&a);
}

void gate_stop(struct gate *g)
{
    int status;

    process_signal(g->process, SIGTERM);
    status = process_wait(g->process);
    /* A worker's sanitizers say it in the same log. */
    if (status || process_saw(g->process, "Sanitizer"))
        process_show(g->process);
    assert_int_equal(status, 0);
    assert_false(process_saw(g->process, "Sanitizer"));
    process_free(&g->process);
}

void gate_kill(struct gate *g)
{
    process_signal(g->process, SIGKILL);
    (void)process_wait(g->process);
    process_free(&g->process);
}

void gate_check_store(struct gate *g)
{
    char bin[256], dir[256];
    const char *argv[] = {bin, "--check-store", dir, NULL};

    (void)snprintf(bin, sizeof bin, "%s/hilod", harness_build());
    (void)snprintf(dir, sizeof dir, "%s/data", g->scratch->dir);
    struct process *p = process_start(argv);
    int status = process_wait(p);
    if (status)
        process_show(p);
    process_free(&p);
    assert_int_equal(status, 0);
}

struct answer gate_do(struct gate *g, const char *method, const char *path, const char *json)
{
    return do_at(method, g->url, path, g->key, json);
}

struct answer gate_with(struct gate *g, const char *method, const char *path, const char *json,
                        const char *header)
{
    const char *const headers[] = {header, NULL};
    char url[1024];

    (void)snprintf(url, sizeof url, "%s%s", g->url, path);
    return http_do(method, url, g->key, json, headers);
}

void gate_expect(struct gate *g, long status, const char *code, const char *pointer, const char *method,
                 const char *path, const char *json)
{
    struct answer a = gate_do(g, method, path, json);

    answer_is(&a, status, code, pointer);
    answer_done(&a);
}

struct answer gate_post(struct gate *g, const char *path, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *body = vformat(fmt, ap);
    va_end(ap);
    struct answer a = gate_do(g, "POST", path, body);
    free(body);
    return a;
}

struct answer gate_get(struct gate *g, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *path = vformat(fmt, ap);
    va_end(ap);
    struct answer a = gate_do(g, "GET", path, NULL);
    free(path);
    return a;
}

void gate_send(struct gate *g, const char *phone, const char *text, const char *more, char *id)
{
    struct answer a =
        gate_post(g, "/v1/messages",
                  "{\"to\":{\"phone\":\"%s\"},\"channel\":\"wa\",\"content\":{\"type\":\"text\","
                  "\"text\":\"%s\"}%s}",
                  phone, text, more);

    if (a.status != 202)
        print_message("%ld %s\n", a.status, a.body);
    assert_int_equal(a.status, 202);
    if (id)
        (void)snprintf(id, 64, "%s", answer_str(&a, "id"));
    answer_done(&a);
}

void gate_send_text(struct gate *g, const char *phone, const char *text, char *id)
{
    gate_send(g, phone, text, "", id);
}

void gate_queue_is(struct gate *g, unsigned queued, unsigned in_flight)
{
    struct timespec now, until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DEADLINE_S;
    for (;;) {
        struct answer a = gate_get(g, "/v1/channels");
        const double waits = answer_num(&a, "channels/0/queued"),
                     out = answer_num(&a, "channels/0/in_flight");

        answer_done(&a);
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if ((waits == queued && out == in_flight) || now.tv_sec >= until.tv_sec) {
            assert_int_equal(waits, queued);
            assert_int_equal(out, in_flight);
            return;
        }
    }
}

void gate_wait_status(struct gate *g, const char *id, const char *status)
{
    char want[64];

    (void)snprintf(want, sizeof want, "status=%s", status);
    (void)process_wait_nth(g->process, 1, id, want, NULL);
}

const char *gate_status(struct gate *g, const char *id)
{
    static char status[32];
    struct answer a = gate_get(g, "/v1/messages/%s", id);

    assert_int_equal(a.status, 200);
    (void)snprintf(status, sizeof status, "%s", answer_str(&a, "status"));
    answer_done(&a);
    return status;
}

/* ---- all of it ---- */

void world_up(struct world *w, const char *channel, const char *yaml)
{
    scratch_init(&w->scratch);
    sim_start(&w->sim, NULL);
    if (channel)
        (void)snprintf(w->gate.extra_channel, sizeof w->gate.extra_channel, "%s", channel);
    if (yaml)
        (void)snprintf(w->gate.extra, sizeof w->gate.extra, "%s", yaml);
    gate_start(&w->gate, &w->scratch, &w->sim);
    (void)process_wait_nth(w->gate.process, 1, "channel.state", "channel=wa", "state=up", NULL);
}

void world_down(struct world *w)
{
    if (w->gate.process)
        gate_stop(&w->gate);
    gate_check_store(&w->gate);
    sim_stop(&w->sim);
    scratch_done(&w->scratch);
}
