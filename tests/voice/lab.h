/*
 * Where the tests of the voice channel run: a network of their own if that may be had (root, or user
 * namespaces), everything that crosses it written down, and tshark's word on it. And waiting for what files
 * come to hold.
 */
#ifndef TESTS_VOICE_LAB_H
#define TESTS_VOICE_LAB_H

#include "harness.h"
#include "sound.h"

/* Before anything else and any thread: a network namespace with a loopback, and sipp's right to send raw
 * packets (it plays pcap files so). Where that is refused the machine's own loopback serves, for root. */
void lab_network(void);

/* Writes each packet of the loopback to path, as pcap, until capture_end(); it may be read meanwhile. */
struct capture;
struct capture *capture_begin(const char *path);
void capture_end(struct capture **);
/* tshark finds no malformed packet in it, nor one that its dissectors call an error, and at least so many
 * of SIP and of RTP. ports: of SIP, ended by 0. */
void capture_judge(const char *path, const int *ports, unsigned sip, unsigned rtp);
/* How many packets of the capture this display filter finds. */
unsigned capture_count(const char *path, const int *ports, const char *filter);
/* A field of the first of them, into out. */
void capture_field(const char *path, const int *ports, const char *filter, const char *field, char *out,
                   size_t cap);

/* What G.711 was sent to this UDP port of the loopback, as who listens there hears it: what is lost is
 * silence. */
struct sound capture_heard(const char *path, int port);

/* What is shown when something fails: the last lines of this process; NULL: none. */
void lab_shows(const struct process *);
void lab_show(void);

/* Waits until there is a change to what is in this folder; at most for so long. To look, and to look again.
 */
struct watch;
struct watch *watch_new(const char *dir);
void watch_wait(struct watch *, int ms);
void watch_free(struct watch **);

/* Waits until this process answers OPTIONS on this UDP port. */
void sip_awake(int port, struct process *);

#endif
