#include "app.h"
int app_screen(const struct app *app)
{
    (void)app;
    return EXIT_FAILED;
}
