/* Lowering: each type against several channels' abilities, as golden results. */
#include "model_util.h"
#include "model/lower.h"
#include "model/split.h"
#include "model/validate.h"

#define C(name) (1u << HILO_CONTENT_##name)
#define K(name) (1u << HILO_MEDIA_##name)

/* As WhatsApp, SMS, a short-text channel, one that sends media by link only, one
 * that sends audio and documents as files, and one that shows only locations. */
static const struct hilo_abilities wa = {
    .contents = C(TEXT) | C(MEDIA) | C(TEMPLATE) | C(CHOICES) | C(LOCATION) | C(REACTION),
    .media_kinds = K(IMAGE) | K(AUDIO) | K(VOICE) | K(VIDEO) | K(DOCUMENT) | K(STICKER),
    .text_max = 4096,
    .caption_max = 10,
    .buttons_max = 3,
    .button_title_max = 8,
    .list_max = 5,
    .list_title_max = 12,
    .list_description_max = 10,
    .body_max = 20,
    .list_body_max = 40,
    .header_max = 6,
    .footer_max = 6,
    .choice_id_max = 10,
    .flags = HILO_ABLE_QUOTE | HILO_ABLE_MEDIA_LINK | HILO_ABLE_MEDIA_FILE,
    .media_max = {[HILO_MEDIA_IMAGE] = 1000},
};
static const struct hilo_abilities sms = {.contents = C(TEXT), .text_max = 160};
static const struct hilo_abilities tiny = {.contents = C(TEXT), .text_max = 20};
static const struct hilo_abilities link_templates = {.contents = C(TEMPLATE), .flags = HILO_ABLE_MEDIA_LINK};
static const struct hilo_abilities links = {.contents = C(TEXT) | C(MEDIA),
                                            .media_kinds = K(IMAGE) | K(DOCUMENT),
                                            .text_max = 60,
                                            .caption_max = 0,
                                            .flags = HILO_ABLE_MEDIA_LINK};
static const struct hilo_abilities files = {
    .contents = C(MEDIA), .media_kinds = K(AUDIO), .caption_max = 5, .flags = HILO_ABLE_MEDIA_FILE};
static const struct hilo_abilities page = {
    .contents = C(TEXT) | C(LINK), .text_max = 60, .body_max = 16, .button_title_max = 6};
static const struct hilo_abilities forms = {.contents = C(FORM), .body_max = 16, .button_title_max = 6};
static const struct hilo_abilities map = {.contents = C(LOCATION)};

static const struct hilo_abilities voice = {.contents = C(TEXT) | C(MEDIA),
                                            .media_kinds = K(AUDIO) | K(VOICE),
                                            .text_max = 200,
                                            .caption_max = 20,
                                            .flags = HILO_ABLE_SPOKEN | HILO_ABLE_MEDIA_FILE,
                                            .media_max = {[HILO_MEDIA_VOICE] = 1000}};
static const struct hilo_abilities speaker = {.contents = C(TEXT) | C(CHOICES),
                                              .text_max = 60,
                                              .buttons_max = 3,
                                              .button_title_max = 20,
                                              .body_max = 60,
                                              .choice_id_max = 20,
                                              .flags = HILO_ABLE_SPOKEN};
static const struct hilo_abilities mail = {.contents = C(TEXT) | C(CHOICES) | C(APPOINTMENT),
                                           .text_max = 4096,
                                           .buttons_max = 50,
                                           .button_title_max = 200,
                                           .body_max = 4096,
                                           .choice_id_max = 256,
                                           .flags = HILO_ABLE_SUBJECT | HILO_ABLE_ATTACHMENTS |
                                                    HILO_ABLE_HTML | HILO_ABLE_CHOICE_LINKS |
                                                    HILO_ABLE_UNSUBSCRIBE | HILO_ABLE_MEDIA_FILE};
/* The same, whose files are links; and one that shows a subject and nothing else of it. */
static const struct hilo_abilities mail_links = {
    .contents = C(TEXT), .text_max = 4096, .flags = HILO_ABLE_ATTACHMENTS | HILO_ABLE_MEDIA_LINK};
static const struct hilo_abilities headed = {
    .contents = C(TEXT), .text_max = 4096, .flags = HILO_ABLE_SUBJECT};

#define MED "'media':'med_00000000000000000000000001'"
#define AB  "'choices':[{'id':'a','title':'Cambio'},{'id':'b','title':'Dinero'}]"

static const struct {
    const struct hilo_abilities *able;
    const char *in;    /* content */
    const char *notes; /* NULL: HILO_NOSUP with the words of out */
    const char *out;   /* contents, separated by line breaks */
} cases[] = {
    /* ---- text */
    {&wa, "{'type':'text','text':'Hola'}", "", "{'type':'text','text':'Hola'}"},
    {&map, "{'type':'text','text':'Hola'}", NULL, "the channel can't carry text"},
    {&tiny, "{'type':'text','text':'12345678901234567890'}", "",
     "{'type':'text','text':'12345678901234567890'}"},
    {&tiny,
     "{'type':'text','preview_url':true,'text':'Hola Ana. Tu pedido ya va en "
     "camino.','_unknown':[{'tag':99,'value':''}]}",
     "text_split",
     "{'type':'text','preview_url':true,'text':'Hola Ana. Tu pedido','_unknown':[{'tag':99,'value':''}]}\n"
     "{'type':'text','preview_url':true,'text':'ya va en camino.','_unknown':[{'tag':99,'value':''}]}"},
    /* ---- choices: buttons, list, numbers */
    {&wa, "{'type':'choices','text':'?'," AB "}", "choices_to_buttons",
     "{'type':'choices','text':'?'," AB "}"},
    {&wa, "{'type':'choices','text':'?','button':'Ver'," AB "}", "choices_to_list",
     "{'type':'choices','text':'?','button':'Ver'," AB "}"},
    {&wa,
     "{'type':'choices','text':'?','choices':[{'id':'a','title':'A'},{'id':'b','title':'B'},{'id':'c','title'"
     ":'C'},"
     "{'id':'d','title':'D'}]}",
     "choices_to_list",
     "{'type':'choices','text':'?','choices':[{'id':'a','title':'A'},{'id':'b','title':'B'},{'id':'c','title'"
     ":'C'},"
     "{'id':'d','title':'D'}],'button':'Opciones'}"},
    {&wa,
     "{'type':'choices','text':'?','choices':[{'id':'a','title':'Con texto','description':'que es muy "
     "largo'}]}",
     "choices_to_list descriptions_shortened",
     "{'type':'choices','text':'?','button':'Opciones','choices':[{'id':'a','title':'Con "
     "texto','description':'que es mu…'}]}"},
    {&wa, "{'type':'choices','text':'?','choices':[{'id':'a','title':'Diez letras'}]}", "choices_to_list",
     "{'type':'choices','text':'?','choices':[{'id':'a','title':'Diez letras'}],'button':'Opciones'}"},
    {&wa,
     "{'type':'choices','text':'?','choices':[{'id':'a','title':'Cambiar la "
     "talla'},{'id':'b','title':'Devolver'}]}",
     "choices_to_buttons titles_shortened",
     "{'type':'choices','text':'?','choices':[{'id':'a','title':'Cambiar…'},{'id':'b','title':'Devolver'}]}"},
    {&wa,
     "{'type':'choices','text':'?','choices':[{'id':'a','title':'Tienda del "
     "norte'},{'id':'b','title':'Tienda del sur'}]}",
     "choices_to_text",
     "{'type':'text','text':'?\\nResponde 1 para Tienda del norte, 2 para Tienda del sur.'}"},
    {&wa,
     "{'type':'choices','text':'?','choices':[{'id':'a','title':'Cambiar azul'},{'id':'b','title':'Cambiar "
     "roja y verde'}]}",
     "choices_to_list titles_shortened",
     "{'type':'choices','text':'?','button':'Opciones','choices':[{'id':'a','title':'Cambiar "
     "azul'},{'id':'b','title':'Cambiar roj…'}]}"},
    {&wa, "{'type':'choices','text':'Larga la pregunta de hoy','choices':[{'id':'a','title':'A'}]}",
     "choices_to_buttons body_split",
     "{'type':'text','text':'Larga la pregunta "
     "de'}\n{'type':'choices','text':'hoy','choices':[{'id':'a','title':'A'}]}"},
    {&wa,
     "{'type':'choices','header':'Importante','footer':'Gracias','text':'Elige',"
     "'choices':[{'id':'a','title':'A'}]}",
     "choices_to_buttons body_split header_to_body footer_to_body",
     "{'type':'text','text':'Importante'}\n{'type':'choices','text':'Elige\\n\\nGracias','choices':[{'id':'a'"
     ",'title':'A'}]}"},
    {&wa, "{'type':'choices','text':'?','button':'Una etiqueta larga'," AB "}",
     "choices_to_list button_shortened", "{'type':'choices','text':'?','button':'Una eti…'," AB "}"},
    {&wa, "{'type':'choices','text':'?','choices':[{'id':'12345678901','title':'A'}]}", "choices_to_text",
     "{'type':'text','text':'?\\nResponde 1 para A.'}"},
    {&sms,
     "{'type':'choices','text':'\xc2\xbf"
     "Cambio?'," AB "}",
     "choices_to_text",
     "{'type':'text','text':'\xc2\xbf"
     "Cambio?\\nResponde 1 para Cambio, 2 para Dinero.'}"},
    {&sms,
     "{'type':'choices','header':'H','footer':'F','text':'?','choices':[{'id':'a','title':'A','section':'S'},"
     "{'id':'b','title':'B','description':'bb','section':'S'},{'id':'c','title':'C','section':'Z'}]}",
     "choices_to_text",
     "{'type':'text','text':'H\\n\\n?\\nResponde de 1 a 3:\\nS\\n1. A\\n2. B: bb\\nZ\\n3. C\\n\\nF'}"},
    {&tiny,
     "{'type':'choices','text':'\xc2\xbf"
     "Cambio?'," AB "}",
     "text_split choices_to_text",
     "{'type':'text','text':'\xc2\xbf"
     "Cambio?'}\n{'type':'text','text':'Responde 1 para'}\n"
     "{'type':'text','text':'Cambio, 2 para'}\n{'type':'text','text':'Dinero.'}"},
    {&map, "{'type':'choices','text':'?'," AB "}", NULL,
     "the channel can carry neither these choices nor a text in their place"},
    /* ---- media */
    {&wa, "{'type':'media','kind':'image'," MED ",'caption':'Foto'}", "",
     "{'type':'media','kind':'image'," MED ",'caption':'Foto'}"},
    {&wa, "{'type':'media','kind':'image'," MED ",'caption':'Una foto larga'}", "caption_to_text",
     "{'type':'media','kind':'image'," MED "}\n{'type':'text','text':'Una foto larga'}"},
    {&wa, "{'type':'media','kind':'audio'," MED ",'caption':'Oye'}", "caption_to_text",
     "{'type':'media','kind':'audio'," MED "}\n{'type':'text','text':'Oye'}"},
    {&wa, "{'type':'media','kind':'image'," MED ",'size':1001}", "media_kind",
     "{'type':'media','kind':'document'," MED ",'size':1001}"},
    {&links, "{'type':'media','kind':'image'," MED "}", "media_to_url",
     "{'type':'media','kind':'image','url':'https://h.co/m/1'}"},
    {&link_templates,
     "{'type':'template','name':'t','language':'es','parameters':{'header':[{'type':'image'," MED
     "}],'body':['a']}}",
     "media_to_url",
     "{'type':'template','name':'t','language':'es','parameters':{'header':[{'type':'image','url':'https://"
     "h.co/m/1'}],"
     "'body':['a']}}"},
    {&link_templates, "{'type':'template','name':'t','language':'es','parameters':{'body':['a']}}", "",
     "{'type':'template','name':'t','language':'es','parameters':{'body':['a']}}"},
    {&links, "{'type':'media','kind':'sticker','url':'https://x.co/s'}", "media_kind",
     "{'type':'media','kind':'image','url':'https://x.co/s'}"},
    {&files, "{'type':'media','kind':'voice'," MED "}", "media_kind",
     "{'type':'media','kind':'audio'," MED "}"},
    {&files, "{'type':'media','kind':'audio','caption':'Oye'," MED "}", NULL,
     "the channel can't carry the media's caption; shorten or remove it"},
    {&files, "{'type':'media','kind':'audio','url':'https://x.co/a'}", NULL,
     "the channel can carry neither this media nor a text with a link to it"},
    {&sms, "{'type':'media','kind':'image'," MED "}", "media_to_link",
     "{'type':'text','text':'https://h.co/m/1'}"},
    {&sms, "{'type':'media','kind':'document','url':'https://x.co/a','filename':'a.pdf','caption':'Factura'}",
     "media_to_link", "{'type':'text','text':'Factura\\na.pdf: https://x.co/a'}"},
    {&tiny,
     "{'type':'media','kind':'document'," MED
     ",'filename':'una-factura.pdf','caption':'Factura de hoy, Ana'}",
     "text_split media_to_link",
     "{'type':'text','text':'Factura de hoy, Ana'}\n{'type':'text','text':'https://h.co/m/1'}"},
    {&tiny, "{'type':'media','kind':'image','url':'https://example.com/long'}", NULL,
     "the link is longer than the channel's texts"},
    /* ---- template */
    {&wa, "{'type':'template','name':'x','language':'es','text':'Hola'}", "",
     "{'type':'template','name':'x','language':'es','text':'Hola'}"},
    {&sms, "{'type':'template','name':'x','language':'es','text':'Hola Ana'}", "template_to_text",
     "{'type':'text','text':'Hola Ana'}"},
    {&sms, "{'type':'template','name':'x','language':'es'}", NULL,
     "the channel has no templates; give the template's 'text', which is sent instead"},
    {&map, "{'type':'template','name':'x','language':'es','text':'Hola'}", NULL,
     "the channel can carry neither templates nor text"},
    /* ---- the others */
    {&wa, "{'type':'location','latitude':1,'longitude':2}", "",
     "{'type':'location','latitude':1,'longitude':2}"},
    {&sms, "{'type':'location','latitude':-33.4,'longitude':-70.65,'name':'Tienda','address':'Calle 1'}",
     "location_to_text",
     "{'type':'text','text':'Tienda\\nCalle 1\\nhttps://maps.google.com/?q=-33.400000,-70.650000'}"},
    {&sms, "{'type':'location','latitude':1,'longitude':2,'address':'Calle 1','url':'https://x.co/m'}",
     "location_to_text", "{'type':'text','text':'Calle 1\\nhttps://x.co/m'}"},
    {&tiny, "{'type':'location','latitude':1,'longitude':2}", NULL,
     "the link is longer than the channel's texts"},
    {&files, "{'type':'location','latitude':1,'longitude':2}", NULL,
     "the channel can carry neither a location nor text"},
    {&sms,
     "{'type':'contacts','contacts':[{'name':'Luz Gil','organization':'Sur','phones':[{'number':'+571',"
     "'label':'WORK'},{'number':'+572'}]},{'name':'Eva'}]}",
     "contacts_to_text", "{'type':'text','text':'Luz Gil, Sur\\n+571 (WORK)\\n+572\\n\\nEva'}"},
    {&map, "{'type':'contacts','contacts':[{'name':'Eva'}]}", NULL,
     "the channel can carry neither contacts nor text"},
    {&sms, "{'type':'appointment','title':'x','text':'Hoy a las 3'}", "appointment_to_text",
     "{'type':'text','text':'Hoy a las 3'}"},
    {&sms, "{'type':'appointment','title':'x'}", NULL,
     "the channel has no appointments; give the appointment's 'text', which is sent instead"},
    {&sms, "{'type':'reaction','emoji':'x'}", NULL,
     "the channel can't carry a reaction; answer with a text instead"},
    {&sms, "{'type':'note','text':'x'}", NULL, "a note is not for customers, and the channel can't carry it"},
    {&sms, "{'type':'system','event':'mark_read'}", NULL,
     "the channel has no way to say that a message was read"},
    {&sms, "{'type':'system','event':'typing'}", NULL,
     "the channel has no way to say that an answer is being written"},
    /* ---- what opens a page */
    {&page, "{'type':'link','text':'Paga aqu\xc3\xad','button':'Pagar','url':'https://x.co/p'}", "",
     "{'type':'link','text':'Paga aqu\xc3\xad','button':'Pagar','url':'https://x.co/p'}"},
    {&page,
     "{'type':'link','header':'Hola','text':'Ya puedes pagar tu pedido','button':'Pagar ahora',"
     "'url':'https://x.co/p','footer':'Sur'}",
     "body_split header_to_body footer_to_body button_shortened",
     "{'type':'text','text':'Hola'}\n{'type':'text','text':'Ya puedes'}\n{'type':'text','text':'pagar tu'}\n"
     "{'type':'link','text':'pedido\\n\\nSur','button':'Pagar\xe2\x80\xa6','url':'https://x.co/p'}"},
    {&sms,
     "{'type':'link','header':'H','text':'Paga','button':'Pagar','url':'https://x.co/p','footer':'Sur'}",
     "link_to_text", "{'type':'text','text':'H\\n\\nPaga\\n\\nSur\\nPagar: https://x.co/p'}"},
    {&tiny, "{'type':'link','text':'Ya puedes pagar','button':'Pagar ya','url':'https://x.co/p'}",
     "text_split link_to_text",
     "{'type':'text','text':'Ya puedes pagar'}\n{'type':'text','text':'https://x.co/p'}"},
    {&map, "{'type':'link','text':'P','button':'P','url':'https://x.co/p'}", NULL,
     "the channel can carry neither a link nor text"},
    {&forms, "{'type':'form','text':'Tus datos','name':'datos','button':'Abrir','screen':'A','data':'{}'}",
     "", "{'type':'form','text':'Tus datos','name':'datos','button':'Abrir','screen':'A','data':'{}'}"},
    {&page,
     "{'type':'form','text':'Tus datos','name':'datos','button':'Abrir','screen':'A','data':'{}',"
     "'url':'https://x.co/f'}",
     "form_to_link", "{'type':'link','text':'Tus datos','button':'Abrir','url':'https://x.co/f'}"},
    {&sms, "{'type':'form','text':'Tus datos','name':'datos','button':'Abrir','url':'https://x.co/f'}",
     "form_to_link", "{'type':'text','text':'Tus datos\\nAbrir: https://x.co/f'}"},
    {&sms, "{'type':'form','text':'Tus datos','name':'datos','button':'Abrir'}", NULL,
     "the channel has no forms; give 'url', a page with the same form, which is sent instead"},
    {&map, "{'type':'form','text':'T','name':'d','button':'A','url':'https://x.co/f'}", NULL,
     "the channel can carry neither a form nor a text with a link to it"},
    /* ---- what is spoken */
    {&voice, "{'type':'text','text':'Hola. Su cita es mañana.'}", "",
     "{'type':'text','text':'Hola. Su cita es mañana.'}"},
    {&voice, "{'type':'text','text':'Mire https://x.co/a?b=c, y www.sur.co (o http://y.co). Gracias.'}",
     "urls_dropped", "{'type':'text','text':'Mire, y (o. Gracias.'}"},
    {&voice, "{'type':'text','text':'La guía: HTTPS://x.co/a'}", "urls_dropped",
     "{'type':'text','text':'La guía'}"},
    {&voice, "{'type':'text','text':' <https://x.co/a> '}", NULL,
     "the channel speaks, and nothing of it can be spoken (links, pictures, places); give words"},
    {&voice, "{'type':'text','text':'No es awww.x ni https: //x'}", "",
     "{'type':'text','text':'No es awww.x ni https: //x'}"},
    {&voice,
     "{'type':'choices','text':'¿Qué necesita?','choices':[{'id':'a','title':'Cambio'},{'id':'b','title':"
     "'Devolución'}]}",
     "choices_spoken",
     "{'type':'text','text':'¿Qué necesita?\\nPara cambio, marque 1.\\nPara devolución, marque "
     "2.','choices':[{"
     "'id':'a','title':'Cambio'},{'id':'b','title':'Devolución'}]}"},
    {&voice,
     "{'type':'choices','header':'Sur','text':'Elija','footer':'Gracias','button':'Ver','choices':[{'id':'a',"
     "'title':'Para hablar con alguien','section':'Ayuda'},{'id':'b','title':'IVA','description':'Otra "
     "factura.'},{'id':'c','title':'Éxito'},{'id':'d','title':'A'}]}",
     "choices_spoken",
     "{'type':'text','text':'Sur.\\nElija.\\nAyuda.\\nPara hablar con alguien, marque 1.\\nPara IVA, otra "
     "factura, "
     "marque 2.\\nPara éxito, marque 3.\\nPara A, marque 4.\\nGracias.','choices':[{'id':'a','title':'Para "
     "hablar con alguien','section':'Ayuda'},{'id':'b','title':'IVA','description':'Otra "
     "factura.'},{'id':'c',"
     "'title':'Éxito'},{'id':'d','title':'A'}]}"},
    /* a channel that says it has buttons speaks them all the same */
    {&speaker, "{'type':'choices','text':'?'," AB "}", "choices_spoken",
     "{'type':'text','text':'?\\nPara cambio, marque 1.\\nPara dinero, marque 2.'," AB "}"},
    {&speaker, "{'type':'choices','text':'Una pregunta que es más larga que todo lo que cabe aquí'," AB "}",
     NULL, "it is longer than what the channel speaks in one call; shorten it"},
    {&voice,
     "{'type':'choices','text':'?','choices':[{'id':'1','title':'a'},{'id':'2','title':'b'},{'id':'3','title'"
     ":"
     "'c'},{'id':'4','title':'d'},{'id':'5','title':'e'},{'id':'6','title':'f'},{'id':'7','title':'g'},{'id':"
     "'8','title':'h'},{'id':'9','title':'i'},{'id':'10','title':'j'},{'id':'11','title':'k'}]}",
     NULL, "the channel has 10 keys for choices, and these are more"},
    {&voice, "{'type':'media','kind':'voice'," MED ",'size':1000,'caption':'Oiga esto'}", "",
     "{'type':'media','kind':'voice'," MED ",'size':1000,'caption':'Oiga esto'}"},
    {&voice, "{'type':'media','kind':'audio'," MED ",'caption':'Vea https://x.co'}", "urls_dropped",
     "{'type':'media','kind':'audio'," MED ",'caption':'Vea'}"},
    {&voice, "{'type':'media','kind':'audio'," MED ",'caption':'Más larga de lo que cabe'}", NULL,
     "the caption is longer than what the channel speaks; shorten it"},
    {&voice, "{'type':'media','kind':'voice'," MED ",'size':1001,'caption':'Oiga'}", "caption_to_text",
     "{'type':'text','text':'Oiga.'}"},
    {&voice, "{'type':'media','kind':'image','url':'https://x.co/a.jpg'}", NULL,
     "the channel speaks, and nothing of it can be spoken (links, pictures, places); give words"},
    {&voice, "{'type':'location','latitude':1,'longitude':2,'name':'Norte','address':'Calle 80'}",
     "location_to_text", "{'type':'text','text':'Norte.\\nCalle 80.'}"},
    {&voice, "{'type':'location','latitude':1,'longitude':2}", NULL,
     "the channel speaks, and nothing of it can be spoken (links, pictures, places); give words"},
    {&voice,
     "{'type':'link','header':'Hola','text':'Ya puede pagar','button':'Pagar','url':'https://x.co/p'}",
     "link_to_text", "{'type':'text','text':'Hola.\\nYa puede pagar.'}"},
    {&voice, "{'type':'form','text':'Sus datos:','name':'d','button':'Abrir','url':'https://x.co/f'}",
     "form_to_link", "{'type':'text','text':'Sus datos.'}"},
    {&voice, "{'type':'template','name':'x','language':'es','text':'Hola, Ana'}", "template_to_text",
     "{'type':'text','text':'Hola, Ana.'}"},
    {&voice, "{'type':'appointment','title':'x','text':'Hoy a las 3'}", "appointment_to_text",
     "{'type':'text','text':'Hoy a las 3.'}"},
    {&voice, "{'type':'contacts','contacts':[{'name':'Eva','phones':[{'number':'+571'}]}]}",
     "contacts_to_text", "{'type':'text','text':'Eva\\n+571'}"},
    {&voice, "{'type':'reaction','emoji':'x'}", NULL,
     "the channel can't carry a reaction; answer with a text instead"},
    /* ---- what a letter has around its text */
    {&mail,
     "{'type':'text','text':'Hola','subject':'S','attachments':[{" MED
     ",'content_id':'a'}],'html':'<p>','invitation':{'uid':'u','status':'booked','starts':"
     "'2026-11-27T15:00:00Z','title':'T'}}",
     "",
     "{'type':'text','text':'Hola','subject':'S','attachments':[{" MED
     ",'content_id':'a'}],'html':'<p>','invitation':{'uid':'u','status':'booked','starts':"
     "'2026-11-27T15:00:00.000Z','title':'T'}}"},
    {&sms, "{'type':'text','text':'Hola','subject':'Su televisor'}", "subject_to_text",
     "{'type':'text','text':'Su televisor\\nHola'}"},
    {&tiny, "{'type':'text','text':'Hola, Ana','subject':'Su televisor'}", "text_split subject_to_text",
     "{'type':'text','text':'Su televisor'}\n{'type':'text','text':'Hola, Ana'}"},
    {&sms, "{'type':'choices','text':'?','subject':'S'," AB "}", "choices_to_text subject_to_text",
     "{'type':'text','text':'S\\n?\\nResponde 1 para Cambio, 2 para Dinero.'}"},
    {&sms, "{'type':'link','text':'Paga','button':'Ya','url':'https://x.co/p','subject':'S'}",
     "link_to_text subject_to_text", "{'type':'text','text':'S\\nPaga\\nYa: https://x.co/p'}"},
    {&wa, "{'type':'media','kind':'image'," MED ",'caption':'Foto','subject':'S'}", "subject_to_text",
     "{'type':'media','kind':'image'," MED ",'caption':'S\\nFoto'}"},
    {&wa, "{'type':'media','kind':'image'," MED ",'subject':'S'}", "subject_to_text",
     "{'type':'media','kind':'image'," MED ",'caption':'S'}"},
    {&wa, "{'type':'location','latitude':1,'longitude':2,'subject':'S'}", "subject_to_text",
     "{'type':'text','text':'S'}\n{'type':'location','latitude':1,'longitude':2}"},
    {&map, "{'type':'location','latitude':1,'longitude':2,'subject':'S'}", "subject_dropped",
     "{'type':'location','latitude':1,'longitude':2}"},
    {&wa, "{'type':'template','name':'x','language':'es','text':'Hola','subject':'S'}", "subject_dropped",
     "{'type':'template','name':'x','language':'es','text':'Hola'}"},
    {&sms, "{'type':'template','name':'x','language':'es','text':'Hola','subject':'S'}",
     "template_to_text subject_to_text", "{'type':'text','text':'S\\nHola'}"},
    {&sms, "{'type':'template','name':'x','language':'es','subject':'S'}", NULL,
     "the channel has no templates; give the template's 'text', which is sent instead"},
    {&headed, "{'type':'text','text':'Hola','subject':'S','html':'<p>'}", "html_dropped",
     "{'type':'text','text':'Hola','subject':'S'}"},
    {&wa,
     "{'type':'text','text':'Hola','html':'<p>','attachments':[{'kind':'image'," MED
     ",'content_id':'logo'},{" MED ",'filename':'a.pdf','mime':'application/pdf','size':3}]}",
     "html_dropped attachments_to_media",
     "{'type':'text','text':'Hola'}\n{'type':'media','kind':'document'," MED
     ",'mime':'application/pdf','filename':'a.pdf','size':3}"},
    {&sms,
     "{'type':'text','text':'Hola','attachments':[{" MED ",'filename':'a.pdf'},{'url':'https://x.co/b'}]}",
     "media_to_link attachments_to_media",
     "{'type':'text','text':'Hola'}\n{'type':'text','text':'a.pdf: https://h.co/m/1'}\n"
     "{'type':'text','text':'https://x.co/b'}"},
    {&mail_links, "{'type':'text','text':'Hola','attachments':[{" MED ",'filename':'a.pdf'}]}",
     "media_to_url",
     "{'type':'text','text':'Hola','attachments':[{'filename':'a.pdf','url':'https://h.co/m/1'}]}"},
    {&mail,
     "{'type':'text','text':'Hola','attachments':[{'url':'https://x.co/a','filename':'a.pdf'},"
     "{'url':'https://x.co/b'}]}",
     "media_to_link", "{'type':'text','text':'Hola\\n\\na.pdf: https://x.co/a\\nhttps://x.co/b'}"},
    {&mail, "{'type':'text','text':'Hola','html':'a','attachments':[{'url':'https://x.co/a'}]}", NULL,
     "/content/attachments: the channel attaches stored media only, and a link has no place in the html; "
     "upload the file with POST /v1/media"},
    {&sms,
     "{'type':'text','text':'Hola','invitation':{'uid':'u','status':'booked','starts':"
     "'2026-11-27T15:00:00Z','title':'T'}}",
     "", "{'type':'text','text':'Hola'}"},
    {&voice, "{'type':'text','text':'Hola','subject':'Su cita','attachments':[{" MED "}],'html':'<p>'}",
     "subject_to_text html_dropped attachments_dropped", "{'type':'text','text':'Su cita\\nHola'}"},
    {&mail, "{'type':'choices','text':'?'," AB "}", "choices_to_text",
     "{'type':'text','text':'?\\nResponde 1 para Cambio, 2 para Dinero.'}"}, /* no public address */
    {&wa, "{'type':77}", NULL, "the channel can't carry this type of content"},
    {&wa, "{'text':'no type'}", NULL, "the channel can't carry this type of content"},
};

static int32_t link_of(void *arg, struct hilo_id media, struct arena *a, struct hilo_str *out, struct err *e)
{
    (void)arg;
    (void)e;
    *out = arena_fmt(a, "https://h.co/m/%d", media.b[15]);
    return HILO_OK;
}

static const struct lower_env env = {.language = "es", .media_link = link_of};

static void each_type_meets_each_channel(void **state)
{
    size_t i, k;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena *a = arena_new();
        struct hilo_str m = msg_of(a, arena_fmt(a, "{'kind':'outbound','content':%s}", cases[i].in).p);
        struct lowered out, again;
        struct err e = {0};
        int32_t rc = lower(m, cases[i].able, &env, a, &out, &e);

        if (!cases[i].notes) {
            for (k = 0; e.text[k]; k++)
                e.text[k] = e.text[k] == '"' ? '\'' : e.text[k];
            assert_int_equal(rc, HILO_NOSUP);
            assert_string_equal(e.text, cases[i].out);
        } else {
            struct hilo_str all = STR("");

            if (rc)
                fail_msg("%s: %s", cases[i].in, e.text);
            for (k = 0; k < out.n; k++) {
                assert_int_equal(model_check(out.message[k], &e), HILO_OK);
                all = arena_fmt(a, "%.*s%s%s", STR_FMT(all), k ? "\n" : "",
                                json_of(a, MODEL_G_CONTENT, hilo_content(out.message[k])));
            }
            assert_string_equal(arena_z(a, all), cases[i].out);
            assert_string_equal(arena_z(a, out.notes), cases[i].notes);
            assert_int_equal(lower(m, cases[i].able, &env, a, &again, &e), HILO_OK);
            assert_int_equal(out.n, again.n);
            for (k = 0; k < out.n; k++)
                assert_true(str_eq(out.message[k], again.message[k]));
        }
        arena_free(&a);
    }
}

static void what_is_spoken_is_in_the_message_s_language(void **state)
{
    struct arena *a = arena_new();
    struct hilo_str m =
        msg_of(a, "{'kind':'outbound','language':'en','content':{'type':'choices','text':'What "
                  "is it?','choices':[{'id':'a','title':'An exchange'},{'id':'b','title':'To "
                  "pay'},{'id':'c','title':'For you'}]}}");
    struct lowered out;
    struct err e = {0};

    (void)state;
    assert_int_equal(lower(m, &voice, &env, a, &out, &e), HILO_OK);
    assert_int_equal(out.n, 1);
    assert_true(str_eqz(hilo_get_str(hilo_content(out.message[0]), HILO_T_CONTENT_TEXT),
                        "What is it?\nFor an exchange, press 1.\nTo pay, press 2.\nFor you, press 3."));
    arena_free(&a);
}

static int32_t choice_of(void *arg, struct hilo_id message, uint32_t choice, struct arena *a,
                         struct hilo_str *out, struct err *e)
{
    (void)arg;
    (void)e;
    *out = arena_fmt(a, "https://h.co/c/%d.%u", message.b[15], choice);
    return HILO_OK;
}

static int32_t end_of(void *arg, struct hilo_id message, struct arena *a, struct hilo_str *out, struct err *e)
{
    (void)arg;
    (void)e;
    *out = arena_fmt(a, "https://h.co/u/%d", message.b[15]);
    return HILO_OK;
}

/* Each choice has its own link, and advertising one that ends it; other messages and channels none. */
static void links_are_given_where_they_are_shown(void **state)
{
    const struct lower_env with = {
        .language = "es", .media_link = link_of, .choice_link = choice_of, .unsubscribe_link = end_of};
    struct arena *a = arena_new();
    struct hilo_str rest, url;
    struct hilo_field f;
    struct lowered out;
    struct err e = {0};
    unsigned n = 0;

    (void)state;
    struct hilo_str m = msg_of(a, "{'kind':'outbound','id':'msg_00000000000000000000000007','category':"
                                  "'promotional','content':{'type':'choices','text':'?'," AB "}}");
    assert_int_equal(lower(m, &mail, &with, a, &out, &e), HILO_OK);
    assert_string_equal(arena_z(a, out.notes), "choices_to_buttons");
    assert_int_equal(out.n, 1);
    assert_string_equal(arena_z(a, hilo_get_str(out.message[0], HILO_T_MSG_UNSUBSCRIBE_URL)),
                        "https://h.co/u/7");
    rest = hilo_content(out.message[0]);
    while (hilo_next(&rest, &f) == 1)
        if (f.tag == HILO_T_CONTENT_CHOICES)
            assert_string_equal(arena_z(a, hilo_get_str(f.val, HILO_T_CHOICE_URL)),
                                arena_fmt(a, "https://h.co/c/7.%u", n++).p);
    assert_int_equal(n, 2);
    /* What people are shown of it has no link in it. */
    assert_null(strstr(json_of(a, MODEL_G_MSG, out.message[0]), "h.co"));
    assert_int_equal(lower(m, &wa, &with, a, &out, &e), HILO_OK);
    assert_false(hilo_find(out.message[0], HILO_T_MSG_UNSUBSCRIBE_URL, &url));
    assert_null(memmem(out.message[0].p, (size_t)out.message[0].n, "h.co", 4));
    m = msg_of(a, "{'kind':'outbound','id':'msg_00000000000000000000000007','category':'service','content':"
                  "{'type':'text','text':'a'}}");
    assert_int_equal(lower(m, &mail, &with, a, &out, &e), HILO_OK);
    assert_true(str_eq(out.message[0], m));
    arena_free(&a);
}

/* One message of every type that may be sent. */
static const char *const each_type[] = {
    "{'type':'text','text':'Hola'}",
    "{'type':'media','kind':'sticker'," MED "}",
    "{'type':'media','kind':'voice','url':'https://x.co/a','caption':'Oye'}",
    "{'type':'location','latitude':1,'longitude':2,'name':'Tienda'}",
    "{'type':'contacts','contacts':[{'name':'Eva','phones':[{'number':'+571'}]}]}",
    "{'type':'template','name':'x','language':'es','text':'Hola'}",
    "{'type':'choices','text':'?','header':'H'," AB "}",
    "{'type':'reaction','emoji':'x'}",
    "{'type':'appointment','title':'x','starts':'2026-11-27T15:00:00Z','text':'Hoy a las 3'}",
    "{'type':'note','text':'x'}",
    "{'type':'system','event':'mark_read'}",
    "{'type':'system','event':'typing'}",
    "{'type':'form','text':'Tus datos','name':'d','button':'Abrir','url':'https://x.co/f'}",
    "{'type':'link','text':'Paga','button':'Pagar','url':'https://x.co/p'}",
};

/* Whatever a channel has and lacks, what comes out is valid, of a type that it has, and
 * within its lengths; or it is refused with words. Each single type alone, each with
 * text, all but one, none. */
static void what_comes_out_is_what_the_channel_has(void **state)
{
    struct hilo_abilities able = {.media_kinds = K(IMAGE) | K(AUDIO),
                                  .caption_max = 20,
                                  .buttons_max = 3,
                                  .button_title_max = 8,
                                  .body_max = 20,
                                  .choice_id_max = 10,
                                  .flags = HILO_ABLE_MEDIA_LINK | HILO_ABLE_QUOTE};
    uint32_t sent = 0, refused = 0;

    (void)state;
    for (uint32_t round = 0; round < 8 * (uint32_t)HILO_CONTENT__END; round++) {
        uint32_t i = round / 2, bit = 1u << i / 4;
        able.flags = HILO_ABLE_MEDIA_LINK | HILO_ABLE_QUOTE |
                     (round % 2 ? HILO_ABLE_SPOKEN | HILO_ABLE_MEDIA_FILE : 0);
        able.contents = i % 4 == 0 ? bit : i % 4 == 1 ? bit | C(TEXT) : i % 4 == 2 ? ~bit : 0;
        able.text_max = able.contents & C(TEXT) ? 50 : 0;
        for (size_t k = 0; k < sizeof each_type / sizeof *each_type; k++) {
            struct arena *a = arena_new();
            struct hilo_str m = msg_of(
                a,
                arena_fmt(a, "{'kind':'outbound','reply_to':'msg_00000000000000000000000001','content':%s}",
                          each_type[k])
                    .p);
            struct lowered out;
            struct err e = {0};
            int32_t rc = model_validate_outbound(m, &e);

            if (rc)
                fail_msg("%s: %s", each_type[k], e.text);
            rc = lower(m, &able, &env, a, &out, &e);
            sent += rc == HILO_OK;
            refused += rc != HILO_OK;
            if (rc != HILO_OK && (rc != HILO_NOSUP || !strstr(e.text, "channel")))
                fail_msg("%s: %s", each_type[k], e.text);
            for (size_t n = 0; rc == HILO_OK && n < out.n; n++) {
                struct hilo_str c = hilo_content(out.message[n]);
                if (!(able.contents >> hilo_content_type(out.message[n]) & 1))
                    fail_msg("%s became what the channel has not", each_type[k]);
                /* Beside a spoken text its choices stay, which nobody else may give with one. */
                const struct model_change no_choices = change_remove(HILO_T_CONTENT_CHOICES),
                                          content = change_into(HILO_T_MSG_CONTENT, &no_choices, 1);
                if (round % 2 && hilo_content_type(out.message[n]) == HILO_CONTENT_TEXT)
                    assert_int_equal(model_edit(a, out.message[n], &content, 1, &out.message[n], &e),
                                     HILO_OK);
                if (model_validate_outbound(out.message[n], &e) != HILO_OK)
                    fail_msg("%s became %s", each_type[k], e.text);
                if (hilo_content_type(out.message[n]) == HILO_CONTENT_TEXT)
                    assert_true(split_fits(hilo_get_str(c, HILO_T_CONTENT_TEXT), able.text_max));
            }
            arena_free(&a);
        }
    }
    assert_true(sent > 200 && refused > 200);
}

/* Titles that would be equal once shortened, in every form. */
static void titles_that_would_meet_become_numbers(void **state)
{
    struct arena *a = arena_new();
    struct hilo_str m =
        msg_of(a, "{'kind':'outbound','language':'en-US','content':{'type':'choices','text':'Which?',"
                  "'choices':[{'id':'n','title':'The big shop in the north'},"
                  "{'id':'s','title':'The big shop in the south'}]}}");
    struct lowered out;
    struct err e = {0};

    (void)state;
    assert_int_equal(lower(m, &wa, &env, a, &out, &e), HILO_OK);
    assert_int_equal(out.n, 1);
    assert_string_equal(json_of(a, MODEL_G_CONTENT, hilo_content(out.message[0])),
                        "{'type':'text','text':'Which?\\nReply 1 for The big shop in the north, "
                        "2 for The big shop in the south.'}");
    arena_free(&a);
}

static void words_are_in_the_message_s_language(void **state)
{
    static const struct {
        const char *message, *fallback, *word;
    } t[] = {
        {"es", "en", "Responde"}, {"es-CO", NULL, "Responde"}, {"en", "es", "Reply"},
        {"fr", "es", "Responde"}, {"fr", NULL, "Reply"},       {"", "en", "Reply"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof t / sizeof *t; i++) {
        const struct lower_env lang = {.language = t[i].fallback};
        struct arena *a = arena_new();
        struct hilo_str m = msg_of(
            a,
            arena_fmt(a, "{'language':'%s','content':{'type':'choices','text':'?'," AB "}}", t[i].message).p);
        struct lowered out;
        struct err e = {0};

        assert_int_equal(lower(m, &sms, &lang, a, &out, &e), HILO_OK);
        assert_non_null(strstr(json_of(a, MODEL_G_MSG, out.message[0]), t[i].word));
        arena_free(&a);
    }
}

static void only_the_first_part_answers(void **state)
{
    const char *json = "{'reply_to':'msg_00000000000000000000000001','reply_provider_id':'w','priority':1,"
                       "'content':{'type':'media','kind':'image'," MED ",'caption':'Una foto larga'}}";
    struct hilo_abilities no_quote = wa;
    struct arena *a = arena_new();
    struct lowered out;
    struct hilo_str s;
    struct err e = {0};

    (void)state;
    assert_int_equal(lower(msg_of(a, json), &wa, &env, a, &out, &e), HILO_OK);
    assert_int_equal(out.n, 2);
    assert_true(hilo_find(out.message[0], HILO_T_MSG_REPLY_TO, &s));
    assert_false(hilo_find(out.message[1], HILO_T_MSG_REPLY_TO, &s));
    assert_false(hilo_find(out.message[1], HILO_T_MSG_REPLY_EXT, &s));
    assert_int_equal(hilo_get_u64(out.message[1], HILO_T_MSG_PRIORITY), 1);

    no_quote.flags &= ~(uint32_t)HILO_ABLE_QUOTE;
    assert_int_equal(lower(msg_of(a, json), &no_quote, &env, a, &out, &e), HILO_OK);
    assert_false(hilo_find(out.message[0], HILO_T_MSG_REPLY_TO, &s));
    assert_string_equal(arena_z(a, out.notes), "quote_dropped caption_to_text");
    /* a reaction is about a message, quotes or not */
    assert_int_equal(lower(msg_of(a, "{'reply_to':'msg_00000000000000000000000001','content':{'type':'"
                                     "reaction','emoji':'x'}}"),
                           &no_quote, &env, a, &out, &e),
                     HILO_OK);
    assert_true(hilo_find(out.message[0], HILO_T_MSG_REPLY_TO, &s));
    arena_free(&a);
}

static void what_needs_no_change_is_the_same_bytes(void **state)
{
    struct arena *a = arena_new();
    struct hilo_str m = msg_of(a, "{'content':{'type':'choices','text':'?'," AB "}}");
    struct lowered out;
    struct err e = {0};

    (void)state;
    assert_int_equal(lower(m, &wa, &env, a, &out, &e), HILO_OK);
    assert_int_equal(out.n, 1);
    assert_ptr_equal(out.message[0].p, m.p);
    arena_free(&a);
}

static void too_many_parts_are_refused(void **state)
{
    struct arena *a = arena_new();
    char long_text[20 * (LOWER_PARTS_MAX + 1) + 1];
    struct lowered out;
    struct err e = {0};

    (void)state;
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_int_equal(
        lower(msg_of(a, arena_fmt(a, "{'content':{'type':'text','text':'%s'}}", long_text + 20).p), &tiny,
              &env, a, &out, &e),
        HILO_OK);
    assert_int_equal(out.n, LOWER_PARTS_MAX);
    assert_int_equal(lower(msg_of(a, arena_fmt(a, "{'content':{'type':'text','text':'%s'}}", long_text).p),
                           &tiny, &env, a, &out, &e),
                     HILO_NOSUP);
    assert_string_equal(e.text, "the channel would need more than 32 messages for it; shorten it");
    arena_free(&a);
}

static void media_without_links_say_so(void **state)
{
    const struct lower_env none = {0};
    struct arena *a = arena_new();
    struct lowered out;
    struct err e = {0};

    (void)state;
    assert_int_equal(
        lower(msg_of(a, "{'content':{'type':'media','kind':'image'," MED "}}"), &sms, &none, a, &out, &e),
        HILO_NOSUP);
    assert_string_equal(e.text, "the channel can't carry this media, and there are no public links to it");
    arena_free(&a);
}

/* ---- splitting --------------------------------------------------------------------- */

static const struct {
    size_t max;
    const char *in, *parts; /* separated by | */
} splits[] = {
    {10, "short", "short"},
    {10, "1234567890", "1234567890"},
    {10, "12345678901", "1234567890|1"},
    {10, "uno dos tres", "uno dos|tres"},
    {10, "uno dos tr es", "uno dos tr|es"},
    {12, "Hola si. Y no hay", "Hola si.|Y no hay"},
    {12, "Hola linea\ny no hay", "Hola linea|y no hay"},
    {12, "\xc2\xbfQu\xc3\xa9 m\xc3\xa1s? Bien gracias", "\xc2\xbfQu\xc3\xa9 m\xc3\xa1s?|Bien gracias"},
    {4, "\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1", "\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1|\xc3\xb1"},
    {2,
     "ae\xcc\x81"
     "b",
     "a|e\xcc\x81|b"}, /* a letter and its accent stay together */
    {2,
     "a\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd"
     "b",
     "a|\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd|b"}, /* a thumb and its skin */
    {4,
     "ab\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"
     "c",
     "ab|\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"
     "c"},                          /* a family, joined */
    {1, "e\xcc\x81", "e|\xcc\x81"}, /* no room for more than characters */
    {5, "a      b      c", "a|b|c"},
};

static void texts_are_cut_where_it_hurts_least(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof splits / sizeof *splits; i++) {
        struct hilo_str rest = str(splits[i].in);
        char got[128] = "";
        size_t n = 0;

        do {
            struct hilo_str part = split_take(&rest, splits[i].max);

            assert_true(str_utf8_valid(part));
            assert_true(str_utf8_count(part) <= splits[i].max);
            n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s", n ? "|" : "", STR_FMT(part));
        } while (rest.n);
        assert_string_equal(got, splits[i].parts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_meets_each_channel),
        cmocka_unit_test(links_are_given_where_they_are_shown),
        cmocka_unit_test(what_comes_out_is_what_the_channel_has),
        cmocka_unit_test(titles_that_would_meet_become_numbers),
        cmocka_unit_test(words_are_in_the_message_s_language),
        cmocka_unit_test(what_is_spoken_is_in_the_message_s_language),
        cmocka_unit_test(only_the_first_part_answers),
        cmocka_unit_test(what_needs_no_change_is_the_same_bytes),
        cmocka_unit_test(too_many_parts_are_refused),
        cmocka_unit_test(media_without_links_say_so),
        cmocka_unit_test(texts_are_cut_where_it_hurts_least),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
