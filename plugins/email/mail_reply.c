/*
 * Answers to invitations: iTIP's METHOD:REPLY (RFC 5546), by libical.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mail_impl.h"

#include <libical/ical.h>
#include <stdlib.h>
#include <string.h>

enum { CALENDAR_MAX = 256 * 1024 };

static enum mail_partstat partstat_of(icalcomponent *event)
{
    icalproperty *attendee = icalcomponent_get_first_property(event, ICAL_ATTENDEE_PROPERTY);
    icalparameter *p = attendee ? icalproperty_get_first_parameter(attendee, ICAL_PARTSTAT_PARAMETER) : NULL;

    switch (p ? icalparameter_get_partstat(p) : ICAL_PARTSTAT_NONE) {
    case ICAL_PARTSTAT_ACCEPTED:
        return MAIL_ACCEPTED;
    case ICAL_PARTSTAT_DECLINED:
        return MAIL_DECLINED;
    case ICAL_PARTSTAT_TENTATIVE:
        return MAIL_TENTATIVE;
    default:
        return MAIL_NO_REPLY;
    }
}

int32_t mail_calendar(const char *text, struct mail_reply *out)
{
    icalcomponent *all = strlen(text) <= CALENDAR_MAX ? icalparser_parse_string(text) : NULL, *event;
    icalproperty *method = all ? icalcomponent_get_first_property(all, ICAL_METHOD_PROPERTY) : NULL;
    int32_t rc = HILO_OK;
    const char *uid;

    event = all ? icalcomponent_get_first_component(all, ICAL_VEVENT_COMPONENT) : NULL;
    uid = event ? icalcomponent_get_uid(event) : NULL;
    if (method && icalproperty_get_method(method) == ICAL_METHOD_REPLY && uid && *uid && strlen(uid) <= 255) {
        out->partstat = partstat_of(event);
        out->sequence = icalcomponent_get_sequence(event);
        if (out->partstat != MAIL_NO_REPLY && !(out->uid = mail_clean(uid, false)))
            rc = HILO_NOMEM;
    }
    if (all)
        icalcomponent_free(all);
    return rc;
}
