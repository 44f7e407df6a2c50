/*
 * Time zones: what hilo/zone.h finds, with words for an operator.
 */
#include "base/zone.h"
#include "base/str.h"
#include <hilo/zone.h>

static int32_t zone__failed(struct err *e, int32_t rc, struct hilo_str name, const char *wrong)
{
    const struct hilo_str who = name.n ? name : STR("of this machine");

    switch (rc) {
    case HILO_CORRUPT:
        return err_set(e, rc, "a time zone's file is damaged: %s; reinstall tzdata", wrong);
    case HILO_NOTFOUND:
        return err_set(
            e, rc,
            "the system has no time zone %.*s; name one of IANA's, like America/Bogota, or install "
            "tzdata",
            STR_FMT(who));
    case HILO_IO:
        return err_errno(e, "the time zone %.*s can't be read", STR_FMT(who));
    default:
        return err_set(
            e, rc, "a time zone has a name of IANA's, like America/Bogota, and times of the years 1 to 9999");
    }
}

int32_t zone_offset(struct hilo_str tzif, int64_t unix_s, int32_t *offset_s_out, struct err *e)
{
    const char *wrong = "";
    const int32_t rc = hilo_zone_offset(tzif, unix_s, offset_s_out, &wrong);

    return rc == HILO_OK ? rc : zone__failed(e, rc, STR(""), wrong);
}

int32_t zone_local(struct hilo_str name, int64_t wall_us, struct zone_time *out, struct err *e)
{
    const char *wrong = "";
    struct hilo_local t;
    const int32_t rc = hilo_zone_local(name, wall_us, &t, &wrong);

    if (rc != HILO_OK)
        return zone__failed(e, rc, name, wrong);
    *out = (struct zone_time){.year = t.year,
                              .month = t.month,
                              .day = t.day,
                              .weekday = t.weekday,
                              .hour = t.hour,
                              .minute = t.minute,
                              .second = t.second,
                              .offset_s = t.offset_s};
    return HILO_OK;
}
