/*
 * A WAV file becomes sound of the plugin's rate, a slice at a time: seconds of sound cost milliseconds, and
 * the loop has calls to look after. Resampled by speexdsp. No thread; each on its own.
 */
#ifndef VOICE_CONVERT_H
#define VOICE_CONVERT_H

#include "pcm.h"

#include <stdbool.h>
#include <hilo/types.h>

/* Of sound: what operators' prompts and messages are far from, and a call's memory can bear. */
enum { CONVERT_MAX_S = 1800, CONVERT_SLICE_MS = 4000 };

struct convert;

/* file is borrowed until convert_free(). NULL: wrong says why, in words that fit behind a file's name. */
struct convert *convert_new(struct hilo_str file, char wrong[200]);
/* Does a slice. true: it is done, and convert_take() gives the sound. */
bool convert_step(struct convert *);
/* With one holder. A file without a sample is a frame of silence. */
struct pcm *convert_take(struct convert *);
void convert_free(struct convert *); /* NULL is fine */

#endif
