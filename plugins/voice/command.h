/*
 * A command of the operator's: a child process that reads a file as its standard input and prints a text. No
 * shell; it gets no descriptor but its three, a small environment, and is killed, with all that it started,
 * when its time is up. On the plugin's own loop; the child is watched by descriptor.
 */
#ifndef VOICE_COMMAND_H
#define VOICE_COMMAND_H

#include "timer.h"
#include "voice.h"

enum { COMMAND_WORDS = 32, COMMAND_TEXT_MAX = 64 * 1024 };

/* why NULL: it ended well, and text is what it printed. Else text is empty and why says what went wrong. The
 * command is gone before this is called. */
typedef void command_done(void *arg, struct hilo_str text, const char *why);

struct command;

/* line: words parted by spaces, "…" around one with spaces in it; the first is a path or a name to be found
 * in PATH; {language} in any is "es" or "en". in: a descriptor, given away. NULL: it could not be started,
 * why says why not; done is not called. */
struct command *command_run(struct voice *, struct hilo_str line, const char *language, int in,
                            int64_t timeout_us, command_done *done, void *arg, char why[200]);
bool command_on_fd(struct command *, int32_t fd, uint32_t events); /* true: it was its own */
void command_kill(struct command *);                               /* done is not called; NULL is fine */

/* Splits a line into words in place, each NUL-ended. Their number; 0: there is none, or too many, or a
 * quotation mark is not closed. Pure. */
unsigned command_words(char *line, char *word[COMMAND_WORDS + 1]);

#endif
