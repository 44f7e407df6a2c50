/*
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ical.h"

#include "compose_impl.h"

#include <libical/ical.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ZONE_MAX = 64 };

/* A copy, without what a parameter's value can't have. */
static char *parameter(struct hilo_str s)
{
    char *clean = compose_clean(s, false), *c;

    for (c = clean; *c; c++)
        if (*c == '"')
            *c = '\'';
    return clean;
}

/* *zone NULL: UTC. */
static bool find_zone(struct hilo_str name, char text[ZONE_MAX], icaltimezone **zone)
{
    uint64_t i;

    *zone = NULL;
    if (!name.n || (name.n == 3 && memcmp(name.p, "UTC", 3) == 0))
        return true;
    for (i = 0; i < name.n; i++)
        if (!g_ascii_isalnum(name.p[i]) && !strchr("_+-/", name.p[i]))
            return false;
    if (name.n >= ZONE_MAX)
        return false;
    memcpy(text, name.p, (size_t)name.n);
    text[name.n] = '\0';
    *zone = icaltimezone_get_builtin_timezone(text);
    return *zone != NULL;
}

/* libical names its zones with a prefix of its own; clients know them by the plain name. */
static void add_zone(icalcomponent *calendar, icaltimezone *zone, const char *name)
{
    icalcomponent *c = icalcomponent_new_clone(icaltimezone_get_component(zone));
    icalproperty *id = icalcomponent_get_first_property(c, ICAL_TZID_PROPERTY);

    icalproperty_set_tzid(id, name);
    icalcomponent_add_component(calendar, c);
}

static void add_time(icalcomponent *event, icalproperty *(*make)(struct icaltimetype), int64_t us,
                     icaltimezone *zone, const char *name)
{
    icaltimezone *utc = icaltimezone_get_utc_timezone();
    struct icaltimetype t = icaltime_from_timet_with_zone((time_t)(us / 1000000), 0, utc);
    icalproperty *p = make(zone ? icaltime_convert_to_zone(t, zone) : t);

    if (zone)
        icalproperty_add_parameter(p, icalparameter_new_tzid(name));
    icalcomponent_add_property(event, p);
}

static void add_text(icalcomponent *event, icalproperty *(*make)(const char *), struct hilo_str s)
{
    char *clean;

    if (!s.n)
        return;
    clean = compose_clean(s, true);
    icalcomponent_add_property(event, make(clean));
    g_free(clean);
}

static void add_people(icalcomponent *event, const struct compose_event *e, const char *organizer,
                       const char *attendee)
{
    char *uri = g_strdup_printf("mailto:%s", organizer), *name = parameter(e->organizer_name);
    icalproperty *p = icalproperty_new_organizer(uri);

    if (*name)
        icalproperty_add_parameter(p, icalparameter_new_cn(name));
    icalcomponent_add_property(event, p);
    g_free(name);
    g_free(uri);
    uri = g_strdup_printf("mailto:%s", attendee);
    p = icalproperty_new_attendee(uri);
    icalproperty_add_parameter(p, icalparameter_new_role(ICAL_ROLE_REQPARTICIPANT));
    if (e->method == COMPOSE_REQUEST) {
        icalproperty_add_parameter(p, icalparameter_new_partstat(ICAL_PARTSTAT_NEEDSACTION));
        icalproperty_add_parameter(p, icalparameter_new_rsvp(ICAL_RSVP_TRUE));
    }
    icalcomponent_add_property(event, p);
    g_free(uri);
}

static icalcomponent *event_new(const struct compose_event *e, const char *organizer, const char *attendee,
                                icaltimezone *zone, const char *zone_name)
{
    icalcomponent *event = icalcomponent_new(ICAL_VEVENT_COMPONENT);
    const bool cancel = e->method == COMPOSE_CANCEL;

    add_text(event, icalproperty_new_uid, e->uid);
    add_time(event, icalproperty_new_dtstamp, e->stamp_us, NULL, NULL);
    add_time(event, icalproperty_new_dtstart, e->starts_us, zone, zone_name);
    if (e->ends_us)
        add_time(event, icalproperty_new_dtend, e->ends_us, zone, zone_name);
    add_people(event, e, organizer, attendee);
    add_text(event, icalproperty_new_summary, e->summary);
    add_text(event, icalproperty_new_description, e->description);
    add_text(event, icalproperty_new_location, e->location);
    icalcomponent_add_property(event, icalproperty_new_sequence((int)(e->sequence & 0x7fffffff)));
    icalcomponent_add_property(
        event, icalproperty_new_status(cancel ? ICAL_STATUS_CANCELLED : ICAL_STATUS_CONFIRMED));
    return event;
}

int32_t ical_write(const struct compose_event *e, const char *organizer, const char *attendee, char **out,
                   const char **why)
{
    char zone_name[ZONE_MAX] = "";
    icaltimezone *zone;
    icalcomponent *calendar;
    char *text;

    *out = NULL;
    if (!find_zone(e->time_zone, zone_name, &zone)) {
        *why = "the appointment's time zone is not known here (package tzdata)";
        return HILO_INVALID;
    }
    if (!e->uid.n || (e->ends_us && e->ends_us < e->starts_us)) {
        *why = e->uid.n ? "the appointment ends before it starts" : "the appointment has no UID";
        return HILO_INVALID;
    }
    calendar = icalcomponent_new(ICAL_VCALENDAR_COMPONENT);
    icalcomponent_add_property(calendar, icalproperty_new_prodid("-//Hilo//Hilo//EN"));
    icalcomponent_add_property(calendar, icalproperty_new_version("2.0"));
    icalcomponent_add_property(calendar, icalproperty_new_calscale("GREGORIAN"));
    icalcomponent_add_property(
        calendar,
        icalproperty_new_method(e->method == COMPOSE_CANCEL ? ICAL_METHOD_CANCEL : ICAL_METHOD_REQUEST));
    if (zone)
        add_zone(calendar, zone, zone_name);
    icalcomponent_add_component(calendar, event_new(e, organizer, attendee, zone, zone_name));
    text = icalcomponent_as_ical_string_r(calendar);
    icalcomponent_free(calendar);
    *out = text ? strdup(text) : NULL;
    icalmemory_free_buffer(text);
    return *out ? HILO_OK : HILO_NOMEM;
}
