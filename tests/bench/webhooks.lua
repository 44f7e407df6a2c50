-- wrk's script: WhatsApp webhooks with one text message each, every one another, signed as
-- Meta does (X-Hub-Signature-256), of customers at random.
--
--   wrk … -s webhooks.lua URL -- KEY RUN CUSTOMERS       the app secret is lib.sh's
dofile("tests/bench/report.lua")

local ffi = require("ffi")
ffi.cdef [[
const void *EVP_sha256(void);
unsigned char *HMAC(const void *md, const void *key, int n_key, const unsigned char *d, size_t n, unsigned char *out,
                    unsigned *n_out);
]]
local crypto = ffi.load("crypto.so.3")
local sha256, out, secret = crypto.EVP_sha256(), ffi.new("unsigned char[32]"), "sim-app-secret"
local hex, head, run, customers, n = {}, nil, nil, 0, 0

function init(args)
   run, customers = args[2], tonumber(args[3])
   math.randomseed(string.byte(run, -1))
   for i = 0, 255 do hex[i] = string.format("%02x", i) end
   head = "POST /hooks/bench HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nX-Hub-Signature-256: sha256="
end

local parts = {}
function request()
   local who = string.format("57300%07d", math.random(0, customers - 1))
   n = n + 1
   local body = '{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages",' ..
      '"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550783881",' ..
      '"phone_number_id":"106540352242922"},"contacts":[{"profile":{"name":"Ana"},"wa_id":"' .. who .. '"}],' ..
      '"messages":[{"from":"' .. who .. '","id":"wamid.HBgL' .. run .. '.' .. n .. '","timestamp":"' .. os.time() ..
      '","type":"text","text":{"body":"Hola, mi televisor no enciende desde ayer y quisiera cambiarlo"}}]}}]}]}'
   crypto.HMAC(sha256, secret, #secret, body, #body, out, nil)
   for i = 0, 31 do parts[i + 1] = hex[out[i]] end
   return head .. table.concat(parts) .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

function done(summary, latency)
   report(summary, latency)
end
