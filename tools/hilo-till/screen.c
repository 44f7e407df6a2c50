/* The clerk's screen: its loop, and what the library calls. */
#include "ui.h"
#include <errno.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t asked_to_end;

static void screen__end(int sig)
{
    (void)sig;
    asked_to_end = 1;
}

/* ---- what the clerk is told
 * --------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 0))) static void screen__say(struct ui *ui, bool bad, const char *fmt,
                                                              va_list ap)
{
    char text[600];

    vsnprintf(text, sizeof text, fmt, ap);
    free(ui->said);
    ui->said = app_copy(text);
    ui->said_bad = bad;
}

void ui_say(struct ui *ui, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    screen__say(ui, false, fmt, ap);
    va_end(ap);
}

void ui_complain(struct ui *ui, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    screen__say(ui, true, fmt, ap);
    va_end(ap);
    beep();
}

int64_t ui_unix_s(void)
{
    return (int64_t)time(NULL);
}

void ui_show_text(struct ui *ui, const char *title, char *text)
{
    free(ui->text);
    ui->text = text;
    ui->text_title = title;
    ui->text_top = 0;
    ui->slip_shown = false;
    ui->over = OVER_TEXT;
}

/* ---- what the library calls
 * ------------------------------------------------------------------------------------- */

static void screen__changed(void *arg, const struct hilotill_status *s)
{
    struct ui *ui = arg;

    if (s->line == HILOTILL_REVOKED && ui->status.line != HILOTILL_REVOKED) {
        /* What is on the screen is a customer's, too. */
        person_done(&ui->person);
        media_done(ui);
        ui->view = VIEW_SEARCH;
        ui->over = OVER_NONE;
        ui_say(ui, "%s", ""); /* the bar says why */
    }
    if (ui->view == VIEW_QUEUE)
        act_queue_view(ui);
}

static void screen__answer(void *arg, const struct hilotill_answer *a)
{
    act_answer(arg, a);
}

static void screen__push(void *arg, const struct hilotill_push *p)
{
    act_push(arg, p);
}

/* ---- the loop
 * ---------------------------------------------------------------------------------------------------------
 */

static int screen__timeout(const struct ui *ui)
{
    int wait = hilotill_timeout(ui->t), own = 60000 - (int)(ui_unix_s() % 60) * 1000; /* the clock */
    int64_t left;

    if (ui->status.line == HILOTILL_WAITING)
        own = 500; /* counts down */
    if (ui->burst_n) {
        left = ui->burst_until - app_now();
        own = left < 0 ? 0 : (int)left;
    }
    return wait < 0 || own < wait ? own : wait;
}

static void screen__keys(struct ui *ui)
{
    wint_t c;
    int rc;

    while ((rc = get_wch(&c)) != ERR) {
        if (rc == KEY_CODE_YES && c == KEY_RESIZE)
            ui->person.width = 0;
        else
            keys_take(ui, c, rc == KEY_CODE_YES);
    }
}

static void screen__loop(struct ui *ui)
{
    sigset_t block, none;
    struct timespec ts;
    int wait;

    /* Signals are taken while it waits and at no other time, so none is missed. */
    sigemptyset(&block);
    sigaddset(&block, SIGWINCH);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGHUP);
    sigaddset(&block, SIGINT);
    sigprocmask(SIG_BLOCK, &block, &none);
    while (!ui->quit && !asked_to_end) {
        struct pollfd p[2] = {{STDIN_FILENO, POLLIN, 0}, {hilotill_fd(ui->t), POLLIN, 0}};

        hilotill_status(ui->t, &ui->status);
        draw(ui);
        wait = screen__timeout(ui);
        ts = (struct timespec){wait / 1000, wait % 1000 * 1000000L};
        if (ppoll(p, 2, &ts, &none) < 0 && errno != EINTR)
            break;
        if (p[0].revents & (POLLHUP | POLLERR))
            break; /* the terminal is gone */
        hilotill_status(ui->t, &ui->status);
        screen__keys(ui);
        keys_due(ui);
        hilotill_run(ui->t);
    }
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool screen__init(void)
{
    struct sigaction end = {.sa_handler = screen__end}, ignore = {.sa_handler = SIG_IGN};

    /* Names have letters that ASCII lacks. */
    if (MB_CUR_MAX == 1 && !setlocale(LC_CTYPE, "C.UTF-8"))
        complain("no UTF-8 locale: names may look odd");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        complain("this is no terminal; --json is for scripts");
        return false;
    }
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGHUP, &end, NULL);
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGCHLD, &ignore, NULL); /* the viewer's end is nobody's business */
    setenv("ESCDELAY", "25", 0);
    initscr();
    raw(); /* Ctrl-Q is a key, Ctrl-C too */
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    if (has_colors()) {
        start_color();
        use_default_colors();
        init_pair(1, COLOR_RED, -1);
        init_pair(2, COLOR_GREEN, -1);
        init_pair(3, COLOR_CYAN, -1);
    }
    return true;
}

static void screen__free(struct ui *ui)
{
    unsigned i;

    media_done(ui);
    hilotill_close(&ui->t);
    person_done(&ui->person);
    for (i = 0; i < ui->n_notices; i++)
        free(ui->notices[i].text);
    for (i = 0; i < ui->n_shown; i++)
        cJSON_Delete(ui->shown[i].params);
    cJSON_Delete(ui->items);
    cJSON_Delete(ui->slip);
    cJSON_free(ui->find_params);
    free(ui->text);
    free(ui->said);
    free(ui);
}

int app_screen(const struct app *app)
{
    struct ui *ui = app_alloc(sizeof *ui);
    struct hilotill_options o = {.size = sizeof o,
                                 .folder = app->folder,
                                 .host = app->host,
                                 .software = "hilo-till " HILO_VERSION,
                                 .language = app->spanish ? "es" : "en",
                                 .capabilities = "message.show choice.ask",
                                 .arg = ui,
                                 .on_change = screen__changed,
                                 .on_answer = screen__answer,
                                 .on_push = screen__push};
    struct hilotill_error e;
    int rc = EXIT_FAILED;

    ui->app = app;
    snprintf(ui->reason, sizeof ui->reason, "%s", app->reason ? app->reason : "claim");
    if (hilotill_open(&o, &ui->t, &e) != HILOTILL_OK ||
        hilotill_set_clerk(ui->t, app->clerk, &e) != HILOTILL_OK ||
        hilotill_connect(ui->t, &e) != HILOTILL_OK) {
        complain("%s", e.text);
        goto out;
    }
    snprintf(ui->clerk, sizeof ui->clerk, "%s", app->clerk ? app->clerk : "");
    if (!screen__init())
        goto out;
    hilotill_status(ui->t, &ui->status);
    if (!ui->clerk[0])
        act_clerk(ui);
    screen__loop(ui);
    endwin();
    rc = EXIT_OK;
out:
    screen__free(ui);
    return rc;
}
