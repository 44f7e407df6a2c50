-- wrk's script: POST /v1/messages, every body, Idempotency-Key and text different, phones
-- out of so many customers. The pieces of a request are made beforehand; per request there is
-- one concatenation (its cost stands in run.sh's line "generator").
--
--   wrk … -s messages.lua URL -- KEY RUN CUSTOMERS [PAUSE]
--
-- RUN: a word that no other run against the same store has. CUSTOMERS: up to 1000000.
-- PAUSE: milliseconds between an answer and the connection's next request.
-- Prints the line of report.lua.

dofile("tests/bench/report.lua")

local threads = 0
local head, middle, tail
local lo, hi = {}, {} -- few strings: with a million, the collector's pauses would be what is measured
local n, customers, base = 0, 0, 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   local key, run = args[1], args[2]
   customers = tonumber(args[3])
   local pause = tonumber(args[4] or 0)
   if pause > 0 then delay = function() return pause end end
   base = number * 100000
   for i = 0, 999 do lo[i] = string.format("%03d", i) end
   for i = 0, (customers - 1) / 1000 do hi[i] = string.format("+57300%04d", i) end
   middle = '{"to":{"phone":"'
   tail = {
      '"},"channel":"bench","category":"service","priority":"normal","expires_in":"P1D","content":{"type":"text","text":"Hola Ana: su pedido ',
      ' sale hoy de la bodega y llega entre las dos y las seis de la tarde. ' ..
      'Si no va a estar en casa, responda a este mensaje y lo dejamos con el portero o lo llevamos otro dia. ' ..
      'Gracias por comprar en la Tienda de Ana; guarde este numero para cualquier reclamo o cambio.' ..
      '"}}',
   }
   local length = #middle + 13 + #tail[1] + 9 + #tail[2]
   head = "POST /v1/messages HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " .. key ..
      "\r\nContent-Type: application/json\r\nContent-Length: " .. length .. "\r\nIdempotency-Key: " .. run .. "-"
end

local hi_text = ""

function request()
   local i = n
   n = n + 1
   if i % 1000 == 0 then hi_text = string.format("%06d", base + i / 1000) end
   local id = hi_text .. lo[i % 1000]
   local who = i % customers
   return head .. id .. "\r\n\r\n" .. middle .. hi[(who - who % 1000) / 1000] .. lo[who % 1000] .. tail[1] .. id .. tail[2]
end

function done(summary, latency)
   report(summary, latency)
end
