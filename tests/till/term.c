#include "term.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vterm.h>

enum { PATIENCE_MS = 20000 };

struct term {
    pid_t pid;
    int fd;
    VTerm *vt;
    VTermScreen *screen;
    int rows, cols;
    char row[4096];
    unsigned long bytes;
    unsigned erased;
    bool over;
};

struct term *term_start(struct rig *rig, int rows, int cols, const char *lang, const char *const *words)
{
    const char *build = getenv("HILO_BUILD"), *argv[24] = {"hilo-till"};
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
    struct term *t = calloc(1, sizeof *t);
    const char *err = rig_path(rig, "screen.err");
    char path[512];
    int i, fd;

    assert_non_null(t);
    snprintf(path, sizeof path, "%s/hilo-till", build ? build : "build/debug-gcc");
    for (i = 0; words[i]; i++)
        argv[i + 1] = words[i];
    t->rows = rows;
    t->cols = cols;
    t->pid = forkpty(&t->fd, NULL, NULL, &size);
    assert_true(t->pid >= 0);
    if (t->pid == 0) {
        union {
            const char **from;
            char **to;
        } out = {argv};

        fd = open(err, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(fd, 2);
        setenv("LC_ALL", lang, 1);
        setenv("TERM", "xterm", 1);
        setenv("TZ", "UTC", 1);
        unsetenv("DISPLAY");
        unsetenv("WAYLAND_DISPLAY");
        execv(path, out.to);
        _exit(127);
    }
    fcntl(t->fd, F_SETFD, FD_CLOEXEC);
    t->vt = vterm_new(rows, cols);
    vterm_set_utf8(t->vt, 1);
    t->screen = vterm_obtain_screen(t->vt);
    vterm_screen_enable_altscreen(t->screen, 1);
    vterm_screen_reset(t->screen, 1);
    return t;
}

void term_type(struct term *t, const char *bytes)
{
    assert_int_equal(write(t->fd, bytes, strlen(bytes)), strlen(bytes));
}

void term_resize(struct term *t, int rows, int cols)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};

    vterm_set_size(t->vt, rows, cols);
    t->rows = rows;
    t->cols = cols;
    assert_int_equal(ioctl(t->fd, TIOCSWINSZ, &size), 0);
}

/* false: nothing came within so many milliseconds. */
static bool term__read(struct term *t, int ms)
{
    struct pollfd p = {t->fd, POLLIN, 0};
    char buf[65536];
    ssize_t r, i;

    if (t->over || poll(&p, 1, ms) <= 0)
        return false;
    r = read(t->fd, buf, sizeof buf);
    if (r <= 0) {
        t->over = true;
        return false;
    }
    for (i = 0; i + 3 < r; i++)
        if (memcmp(buf + i, "\x1b[2J", 4) == 0 || memcmp(buf + i, "\x1b[H\x1b", 4) == 0)
            t->erased++;
    t->bytes += (unsigned long)r;
    vterm_input_write(t->vt, buf, (size_t)r);
    return true;
}

static size_t term__utf8(uint32_t c, char *p)
{
    if (c < 0x80) {
        p[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        p[0] = (char)(0xc0 | c >> 6);
        p[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        p[0] = (char)(0xe0 | c >> 12);
        p[1] = (char)(0x80 | (c >> 6 & 0x3f));
        p[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    p[0] = (char)(0xf0 | c >> 18);
    p[1] = (char)(0x80 | (c >> 12 & 0x3f));
    p[2] = (char)(0x80 | (c >> 6 & 0x3f));
    p[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

const char *term_row(struct term *t, int y)
{
    VTermScreenCell cell;
    VTermPos pos = {.row = y};
    size_t n = 0;
    int i;

    for (pos.col = 0; pos.col<t->cols; pos.col += cell.width> 0 ? cell.width : 1) {
        vterm_screen_get_cell(t->screen, pos, &cell);
        if (!cell.chars[0] || cell.chars[0] == (uint32_t)-1)
            t->row[n++] = ' ';
        for (i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] && cell.chars[i] != (uint32_t)-1; i++)
            n += term__utf8(cell.chars[i], t->row + n);
        if (n > sizeof t->row - 64)
            break;
    }
    while (n && t->row[n - 1] == ' ')
        n--;
    t->row[n] = 0;
    return t->row;
}

static int term__find(struct term *t, const char *text)
{
    int y;

    for (y = 0; y < t->rows; y++)
        if (strstr(term_row(t, y), text))
            return y;
    return -1;
}

static void term__give_up(struct term *t, const char *what, const char *text)
{
    int y;

    for (y = 0; y < t->rows; y++)
        fprintf(stderr, "%2d|%s\n", y, term_row(t, y));
    fail_msg("%s: \"%s\"", what, text);
}

int term_until(struct term *t, const char *text)
{
    int y;

    while ((y = term__find(t, text)) < 0)
        if (!term__read(t, PATIENCE_MS))
            term__give_up(t, "is not on the screen", text);
    return y;
}

void term_until_gone(struct term *t, const char *text)
{
    while (term__find(t, text) >= 0)
        if (!term__read(t, PATIENCE_MS))
            term__give_up(t, "is still on the screen", text);
}

void term_or_rig(struct term *t, struct rig *rig)
{
    struct pollfd p[2] = {{t->fd, POLLIN, 0}, {rig_fd(rig), POLLIN, 0}};

    if (poll(p, 2, PATIENCE_MS) <= 0)
        term__give_up(t, "nothing happens", "");
    if (p[0].revents)
        term__read(t, 0);
    if (p[1].revents)
        rig_woken(rig);
}

bool term_has(struct term *t, const char *text)
{
    while (term__read(t, 0))
        ;
    return term__find(t, text) >= 0;
}

void term_cursor(struct term *t, int *y, int *x)
{
    VTermPos pos;

    vterm_state_get_cursorpos(vterm_obtain_state(t->vt), &pos);
    *y = pos.row;
    *x = pos.col;
}

unsigned long term_bytes(struct term *t, unsigned *erased_out)
{
    unsigned long n = t->bytes;

    *erased_out = t->erased;
    t->bytes = 0;
    t->erased = 0;
    return n;
}

static void term__free(struct term **pt)
{
    close((*pt)->fd);
    vterm_free((*pt)->vt);
    free(*pt);
    *pt = NULL;
}

int term_wait(struct term **pt)
{
    struct term *t = *pt;
    int status;

    while (term__read(t, PATIENCE_MS))
        ;
    if (!t->over)
        term__give_up(t, "it does not end", "");
    assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
    term__free(pt);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void term_kill(struct term **pt)
{
    kill((*pt)->pid, SIGKILL);
    assert_int_equal(waitpid((*pt)->pid, NULL, 0), (*pt)->pid);
    term__free(pt);
}
