/* See phone.h. ctrl_tcp speaks JSON in netstrings: 12:{"command":…}, */
#include "phone.h"
#include "lab.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static const char baresip[] = "/usr/bin/baresip";

static void path_in(const struct phone *p, const char *name, char out[256])
{
    (void)snprintf(out, 256, "%s/%s", p->dir, name);
}

static void configure(struct phone *p, const struct phone_conf *c)
{
    const char *host = c->host ? c->host : "127.0.0.1";
    char path[256], text[4096];
    int rtp = 2 * (free_port() / 2);
    FILE *f;

    path_in(p, "config", path);
    (void)snprintf(
        text, sizeof text,
        "poll_method epoll\nnet_interface %s\nsip_listen %s%s%s:%d\nsip_verify_server %s\n%s%s%s"
        "call_local_timeout 120\ncall_max_calls 4\n"
        "audio_path %s\naudio_player aubridge,nobody\nsnd_path %s\naudio_source "
        "aufile,%s/say.wav\naudio_alert "
        "aufile,%s/alert.wav\n"
        "ausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\naudio_telev_pt 101\n"
        "rtp_ports %d-%d\nrtp_timeout 0\njitter_buffer_delay 2-10\naudio_buffer 20-160\n"
        "module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule "
        "sndfile.so\nmodule srtp.so\n"
        "module_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n"
        "ctrl_tcp_listen 127.0.0.1:%d\nring_aufile none\nbusy_aufile none\nerror_aufile "
        "none\nnotfound_aufile none\n"
        "ringback_aufile none\n",
        host, strchr(host, ':') ? "[" : "", host, strchr(host, ':') ? "]" : "", p->sip, c->ca ? "yes" : "no",
        c->ca ? "sip_cafile " : "", c->ca ? c->ca : "", c->ca ? "\n" : "", p->dir, p->dir, p->dir, p->dir,
        rtp, rtp + 40, p->control_port);
    file_write(path, text);
    path_in(p, "accounts", path);
    f = fopen(path, "w");
    assert_non_null(f);
    (void)fprintf(f, "%s%s%s<sip:%s@%s%s%s", c->name ? "\"" : "", c->name ? c->name : "",
                  c->name ? "\" " : "", c->user, strchr(host, ':') ? "[" : "", host,
                  strchr(host, ':') ? "]" : "");
    if (c->registrar)
        (void)fprintf(f, ":%d", c->registrar);
    (void)fprintf(f, ";transport=%s>;regint=%d;answermode=%s;audio_codecs=%s;auth_user=%s;auth_pass=%s",
                  c->transport ? c->transport : "udp", c->registrar ? 600 : 0,
                  c->answer ? c->answer : "manual", c->codecs ? c->codecs : "PCMU,PCMA", c->user,
                  c->password ? c->password : "x");
    if (c->srtp)
        (void)fprintf(f, ";mediaenc=%s", c->srtp);
    (void)fprintf(f, "\n");
    assert_int_equal(fclose(f), 0);
    path_in(p, "contacts", path);
    file_write(path, "");
}

static void control_connect(struct phone *p)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)p->control_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    p->control = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(p->control >= 0);
    if (connect(p->control, (struct sockaddr *)&to, sizeof to) != 0) {
        process_show(p->process);
        fail_msg("baresip's control socket: %s", strerror(errno));
    }
}

void phone_up(struct phone *p, struct scratch *s, const struct phone_conf *c)
{
    struct sound silence = sound_silence(300);
    const char *argv[] = {baresip, "-s", "-f", p->dir, NULL};
    static unsigned number;
    char path[256];

    *p = (struct phone){.control = -1};
    (void)snprintf(p->dir, sizeof p->dir, "%s/phone%u", s->dir, ++number);
    (void)snprintf(p->user, sizeof p->user, "%s", c->user);
    assert_int_equal(mkdir(p->dir, 0700), 0);
    p->sip = free_port();
    p->control_port = free_port();
    configure(p, c);
    path_in(p, "say.wav", path);
    sound_write(&silence, path);
    sound_done(&silence);
    p->watch = watch_new(p->dir);
    p->process = process_start(argv);
    (void)process_wait_line(p->process, "baresip is ready", NULL);
    control_connect(p);
    if (c->registrar)
        (void)process_wait_line(p->process, "200 OK", NULL);
}

void phone_down(struct phone *p)
{
    if (p->control >= 0)
        (void)close(p->control);
    p->control = -1;
    process_free(&p->process);
    watch_free(&p->watch);
    free(p->events);
    p->events = NULL;
}

/* ---- its control socket ---- */

/* The next message that is whole in what came, cut out of it; NULL: none yet. */
static cJSON *next_message(struct phone *p)
{
    char *colon = p->n_events ? memchr(p->events, ':', p->n_events) : NULL;
    size_t n, head;
    cJSON *json;

    if (!colon)
        return NULL;
    n = strtoul(p->events, NULL, 10);
    head = (size_t)(colon - p->events) + 1;
    if (p->n_events < head + n + 1)
        return NULL;
    json = cJSON_ParseWithLength(p->events + head, n);
    assert_non_null(json);
    p->n_events -= head + n + 1;
    memmove(p->events, p->events + head + n + 1, p->n_events);
    return json;
}

static void control_read(struct phone *p, const char *awaited)
{
    struct pollfd f = {.fd = p->control, .events = POLLIN};
    ssize_t got;

    if (poll(&f, 1, DEADLINE_S * 1000) != 1) {
        process_show(p->process);
        lab_show();
        fail_msg("%s did not come from baresip (%s)", awaited, p->dir);
    }
    p->events = realloc(p->events, p->n_events + 65536);
    assert_non_null(p->events);
    got = recv(p->control, p->events + p->n_events, 65536, 0);
    if (got <= 0) {
        process_show(p->process);
        fail_msg("baresip has ended, before %s", awaited);
    }
    p->n_events += (size_t)got;
}

const char *phone_event(struct phone *p, const char *type)
{
    static char param[512];

    for (;;) {
        cJSON *m = next_message(p);
        const char *t = m ? cJSON_GetStringValue(cJSON_GetObjectItem(m, "type")) : NULL;
        bool is = t && !strcmp(t, type);
        if (is) {
            const char *v = cJSON_GetStringValue(cJSON_GetObjectItem(m, "param"));
            (void)snprintf(param, sizeof param, "%s", v ? v : "");
        }
        cJSON_Delete(m);
        if (is)
            return param;
        if (!m)
            control_read(p, type);
    }
}

void phone_command(struct phone *p, const char *command, const char *params)
{
    char text[512], net[600];
    int n = snprintf(text, sizeof text, "{\"command\":\"%s\",\"params\":\"%s\",\"token\":\"t\"}", command,
                     params ? params : "");

    n = snprintf(net, sizeof net, "%d:%s,", n, text);
    assert_int_equal(send(p->control, net, (size_t)n, MSG_NOSIGNAL), n);
}

/* The sound of its last call is the newest that module sndfile has written; its name holds the time. */
static bool heard_path(const struct phone *p, char out[256])
{
    DIR *d = opendir(p->dir);
    struct dirent *e;
    char newest[128] = "";

    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        if (!strncmp(e->d_name, "dump-", 5) && strstr(e->d_name, "-dec.wav") && strcmp(e->d_name, newest) > 0)
            (void)snprintf(newest, sizeof newest, "%.127s", e->d_name);
    (void)closedir(d);
    path_in(p, newest, out);
    return newest[0] != 0;
}

void phone_dial(struct phone *p, const char *uri)
{
    char path[256];

    while (heard_path(p, path))
        assert_int_equal(unlink(path), 0);
    p->heard = 0;
    phone_command(p, "dial", uri);
}

void phone_answer(struct phone *p)
{
    p->heard = 0;
    phone_command(p, "accept", NULL);
}

void phone_hang_up(struct phone *p)
{
    phone_command(p, "hangup", NULL);
}

void phone_press(struct phone *p, const char *keys)
{
    phone_command(p, "sndcode", keys);
}

void phone_say(struct phone *p, const struct sound *s)
{
    static unsigned number;
    struct sound all = sound_silence(0), rest = sound_silence(120);
    char name[32], path[256], device[280];

    all = sound_then(all, s);
    all = sound_then(all, &rest);
    (void)snprintf(name, sizeof name, "say%u.wav", ++number);
    path_in(p, name, path);
    sound_write(&all, path);
    sound_done(&all);
    sound_done(&rest);
    (void)snprintf(device, sizeof device, "aufile,%s", path);
    phone_command(p, "ausrc", device);
}

/* ---- what it hears ---- */

struct sound phone_sound(struct phone *p)
{
    char path[256];

    if (!heard_path(p, path))
        return sound_silence(0);
    if (strcmp(path, p->heard_file)) {
        (void)snprintf(p->heard_file, sizeof p->heard_file, "%s", path);
        p->heard = 0;
    }
    return sound_read(path, 0);
}

static int64_t mono_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

size_t phone_hears_at(struct phone *p, const struct sound *said, const char *source, int line)
{
    int64_t until = mono_s() + DEADLINE_S;
    double score = 0, best = 0;
    char file[256] = "";
    size_t from = 0, least = 0;

    for (;;) {
        struct sound heard = phone_sound(p);
        if (strcmp(file, p->heard_file)) {
            (void)snprintf(file, sizeof file, "%s", p->heard_file);
            from = p->heard;
            least = 0;
        }
        size_t n = heard.n;
        long at = -1;
        if (heard.n >= from + said->n && heard.n >= least) {
            at = sound_find(&heard, said, from, &score, &from);
            best = score > best ? score : best;
            least = heard.n + SOUND_RATE / 2; /* not for each packet */
        }
        sound_done(&heard);
        if (at >= 0) {
            p->heard = (size_t)at + said->n;
            return (size_t)at;
        }
        if (mono_s() >= until) {
            process_show(p->process);
            lab_show();
            print_message("  it was not heard in %.1f s of sound; the likest was alike by %.2f (%s)\n",
                          (double)n / SOUND_RATE, best, p->dir);
            _fail(source, line);
        }
        watch_wait(p->watch, 1000);
    }
}

bool phone_heard(struct phone *p, const struct sound *said, size_t from)
{
    struct sound heard = phone_sound(p);
    double score;
    bool is = heard.n > from && sound_find(&heard, said, from, &score, NULL) >= 0;

    sound_done(&heard);
    return is;
}

void phone_listens(struct phone *p, size_t n)
{
    int64_t until = mono_s() + DEADLINE_S;
    struct sound s = phone_sound(p);
    size_t upto = s.n + n;

    while (s.n < upto) {
        assert_true(mono_s() < until);
        sound_done(&s);
        watch_wait(p->watch, 1000);
        s = phone_sound(p);
    }
    sound_done(&s);
}
