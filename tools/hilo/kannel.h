/* hilo kannel convert: what its two halves share. */
#ifndef KANNEL_H
#define KANNEL_H

struct kannel_note {
    const char *name, *note; /* note NULL: nothing is lost by leaving it out, nothing need be said */
};
struct kannel_group_note {
    const char *group;
    const struct kannel_note *notes; /* of its directives; NULL: the group is not converted */
    const char *note; /* of the whole group, if it is not converted; "": nothing need be said */
};

/* NULL: Kannel has no such group, or no such directive that is not converted. */
const struct kannel_group_note *kannel_group_note(const char *group);
const struct kannel_note *kannel_note(const char *group, const char *name);

#endif
