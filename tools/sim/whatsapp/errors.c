/* The errors of the Graph API: code, HTTP status and title, and the two shapes in which they travel.
 *
 * The statuses are those of Meta's published list of codes; clients are told to look at the code only. */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

static const struct gerr_kind kinds[] = {
    {0, 401, "AuthException"},
    {1, 500, "API Unknown"},
    {2, 503, "API Service"},
    {3, 500, "API Method"},
    {4, 429, "API Too Many Calls"},
    {10, 403, "Permission Denied"},
    {33, 400, "Parameter value is not valid"},
    {100, 400, "Invalid parameter"},
    {190, 401, "Access token has expired"},
    {200, 403, "API Permission"},
    {368, 403, "Temporarily blocked for policies violations"},
    {80007, 429, "Rate limit issues"},
    {130429, 429, "Rate limit hit"},
    {130472, 400, "User's number is part of an experiment"},
    {130497, 403, "Business account is restricted from messaging users in this country."},
    {131000, 500, "Something went wrong"},
    {131005, 403, "Access denied"},
    {131008, 400, "Required parameter is missing"},
    {131009, 400, "Parameter value is not valid"},
    {131016, 500, "Service unavailable"},
    {131021, 400, "Recipient cannot be sender"},
    {131026, 400, "Message undeliverable"},
    {131031, 403, "Account has been locked"},
    {131042, 400, "Business eligibility payment issue"},
    {131045, 500, "Incorrect certificate"},
    {131047, 400, "Re-engagement message"},
    {131048, 429, "Spam rate limit hit"},
    {131049, 400, "Meta chose not to deliver."},
    {131050, 400, "User has stopped marketing messages"},
    {131051, 400, "Unsupported message type"},
    {131052, 400, "Media download error"},
    {131053, 400, "Media upload error"},
    {131056, 429, "(Business Account, Consumer Account) pair rate limit hit"},
    {131057, 500, "Account in maintenance mode"},
    {131062, 400, "Business-scoped user ID recipients are not supported for this message"},
    {132000, 400, "Template Param Count Mismatch"},
    {132001, 404, "Template does not exist"},
    {132005, 400, "Template Hydrated Text Too Long"},
    {132007, 400, "Template Format Character Policy Violated"},
    {132012, 400, "Template Parameter Format Mismatch"},
    {132015, 400, "Template is Paused"},
    {132016, 400, "Template is Disabled"},
    {132068, 400, "Flow is in blocked state"},
    {132069, 429, "Flow is in throttled state"},
    {133000, 500, "Incomplete Deregistration"},
    {133004, 503, "Server Temporarily Unavailable"},
    {133010, 400, "Phone number Not Registered"},
    {133016, 429, "Account register deregister rate limit exceeded"},
};

const struct gerr_kind *gerr_kind(int code)
{
    static const struct gerr_kind permission = {200, 403, "API Permission"},
                                  other = {-1, 400, "Unknown error"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].code == code)
            return &kinds[i];
    }
    return code > 200 && code < 300 ? &permission : &other;
}

cJSON *gerr_json(const struct gerr *e)
{
    const struct gerr_kind *kind = gerr_kind(e->code);
    cJSON *top = cJSON_CreateObject(), *error = cJSON_AddObjectToObject(top, "error");
    char message[400], raw[12], trace[25] = "A";
    snprintf(message, sizeof message, "(#%d) %s", e->code, kind->title);
    random_bytes(raw, sizeof raw);
    hex((const uint8_t *)raw, 11, trace + 1);
    cJSON_AddStringToObject(error, "message", message);
    cJSON_AddStringToObject(error, "type", e->subcode == 33 ? "GraphMethodException" : "OAuthException");
    cJSON_AddNumberToObject(error, "code", e->code);
    if (e->subcode)
        cJSON_AddNumberToObject(error, "error_subcode", e->subcode);
    if (e->details[0]) {
        cJSON *data = cJSON_AddObjectToObject(error, "error_data");
        cJSON_AddStringToObject(data, "messaging_product", "whatsapp");
        cJSON_AddStringToObject(data, "details", e->details);
    }
    cJSON_AddBoolToObject(error, "is_transient", kind->http >= 500 || kind->http == 429);
    cJSON_AddStringToObject(error, "fbtrace_id", trace);
    return top;
}

cJSON *gerr_status_json(const struct gerr *e)
{
    const char *title = gerr_kind(e->code)->title;
    cJSON *error = cJSON_CreateObject();
    cJSON_AddNumberToObject(error, "code", e->code);
    cJSON_AddStringToObject(error, "title", title);
    cJSON_AddStringToObject(error, "message", title);
    cJSON *data = cJSON_AddObjectToObject(error, "error_data");
    cJSON_AddStringToObject(data, "details", e->details[0] ? e->details : title);
    cJSON_AddStringToObject(error, "href",
                            "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/");
    return error;
}
