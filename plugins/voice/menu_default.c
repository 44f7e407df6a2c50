/*
 * The menu of who configures none: who she is, what is open, and then a problem told after the tone or, where
 * there is somebody to answer, a person.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "menu.h"

#include <string.h>

#define BEGIN                                                                                                \
    "{\"start\":\"who\","                                                                                    \
    "\"who\":{\"do\":\"identify\",\"found\":\"open\",\"unknown\":\"main\"},"                                 \
    "\"open\":{\"do\":\"tell\",\"next\":\"main\"},"                                                          \
    "\"main\":{\"do\":\"keys\",\"no_key\":\"bye\",\"keys\":{"                                                \
    "\"1\":{\"to\":\"case\",\"label\":{\"es\":\"contarnos un problema\","                                    \
    "\"en\":\"telling us about a problem\"}}"
#define PERSON                                                                                               \
    ",\"2\":{\"to\":\"person\",\"label\":{\"es\":\"hablar con una persona\",\"en\":\"talking to someone\"}}"
#define MIDDLE                                                                                               \
    "}},"                                                                                                    \
    "\"case\":{\"do\":\"case\",\"subject\":\"Llamada\",\"next\":\"record\"},"                                \
    "\"record\":{\"do\":\"record\",\"next\":\"bye\"},"
#define TRANSFER "\"person\":{\"do\":\"transfer\",\"to\":\"desk\",\"no_answer\":\"main\"},"
#define END      "\"bye\":{\"do\":\"hangup\"}}"

struct hilo_str menu_default(bool desk)
{
    static const char with[] = BEGIN PERSON MIDDLE TRANSFER END, without[] = BEGIN MIDDLE END;
    struct hilo_str r = {desk ? with : without, desk ? sizeof with - 1 : sizeof without - 1};

    return r;
}
