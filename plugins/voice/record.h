/*
 * Recordings: frames are gathered on the media thread and written by a thread of its own, so that the disk
 * never makes a beat late. A recording's file is a valid WAV from its first moment; each second what has come
 * is written and synced, and then its head says so: after a crash it is whole up to its last second.
 */
#ifndef VOICE_RECORD_H
#define VOICE_RECORD_H

#include "media.h"

struct recorder;
struct recording;

/* What came of it. */
struct record_done {
    uint64_t call;
    enum media_why why;
    uint32_t length_ms, speech_ms;
    uint64_t bytes; /* of the file */
};

/* done: on the recorder's thread, the file is synced and closed. NULL: errno. */
struct recorder *recorder_new(void (*done)(void *arg, const struct record_done *), void *arg);
/* When every recording has ended: writes what is left. NULL is fine. */
void recorder_free(struct recorder *);

/* The rest: on the media thread. The descriptor is taken in any case. NULL: no memory. */
struct recording *recording_new(struct recorder *, uint64_t call, const struct media_record *);
uint32_t recording_flags(const struct recording *);
/* A frame of both legs; speaking, loud: of hear.h, theirs; playing: ours is no silence. 0, or why it has to
 * end. */
enum media_why recording_frame(struct recording *, const int16_t theirs[VOICE_FRAME],
                               const int16_t ours[VOICE_FRAME], bool speaking, bool playing);
/* Gives it to the recorder's thread; cut_frames of its end are left out as far as they are still here (the
 * tone of the key that ended it). */
void recording_end(struct recording *, enum media_why, uint32_t cut_frames);

#endif
