/*
 * TLS material as sofia wants it: files in a folder, made of PEM texts, there only while it reads them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VOICE_UA_TLS_H
#define VOICE_UA_TLS_H

#include "ua.h"

enum { UA_TLS_DIR = 256 };

/* Checks the PEM texts and the library's least version (TLS 1.2), and writes agent.pem and cafile.pem into a
 * new folder that only we can read. False: why[], and nothing is left. */
bool ua_tls_write(const struct ua_conf *, char dir[UA_TLS_DIR], char why[256]);
/* Removes them. */
void ua_tls_remove(const char dir[UA_TLS_DIR]);

#endif
