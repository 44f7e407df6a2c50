/* Dates and hours as people say them, in the languages that the gateway writes: es, en. [any] */
#ifndef SERVICES_SPOKEN_H
#define SERVICES_SPOKEN_H

#include "base/arena.h"
#include "base/zone.h"

/* language: BCP 47, "es-CO"; what is not Spanish is told in English. this_year: another one is named, too.
 *   date  "viernes 4 de diciembre"                       "Friday, December 4"
 *   time  "3:30 p. m.", in Spain "15:30"                 "3:30 PM"
 *   when  "viernes 4 de diciembre a las 3:30 p. m."      "Friday, December 4 at 3:30 PM" */
struct hilo_str spoken_date(struct arena *, struct hilo_str language, const struct zone_time *,
                            int32_t this_year);
struct hilo_str spoken_time(struct arena *, struct hilo_str language, const struct zone_time *);
struct hilo_str spoken_when(struct arena *, struct hilo_str language, const struct zone_time *,
                            int32_t this_year);

#endif
