-- wrk's script for the SMS bench: the same short text to the same phones, as Kannel's sendsms
-- wants it or as POST /v1/messages. Each text begins with 16 digits, the clock when its request
-- is written (CLOCK_MONOTONIC, us), and 9 digits, its number: the bench's SMSC reads both.
--
--   wrk … -s sms.lua URL -- KEY RUN CUSTOMERS PAUSE KIND FIRST [DLR_URL]
--
-- PAUSE: milliseconds between an answer and the connection's next request.
-- KIND: sendsms (KEY is the password) or api (KEY is the API key). FIRST: the first number.
-- DLR_URL, for sendsms only: asks for two callbacks a message, with dlr-mask=31.
-- Prints the line of report.lua. One thread (wrk -t1): numbers would repeat with more.

dofile("tests/bench/report.lua")

local ffi = require("ffi")
ffi.cdef [[
   struct hilo_timespec { long sec, nsec; };
   int clock_gettime(int, struct hilo_timespec *);
]]
local now = ffi.new("struct hilo_timespec")
local lo, hi = {}, {}
local n, customers, head, middle, tail, sep = 0, 0, "", "", "", ""
local text = " Su pedido sale hoy de la bodega y llega entre las dos y las seis"

function init(args)
   local key, run, kind = args[1], args[2], args[5]
   customers = tonumber(args[3])
   local pause = tonumber(args[4])
   if pause > 0 then delay = function() return pause end end
   n = tonumber(args[6])
   for i = 0, 999 do lo[i] = string.format("%03d", i) end
   for i = 0, (customers - 1) / 1000 do hi[i] = string.format("57300%04d", i) end
   if kind == "api" then
      middle = '"},"content":{"type":"text","text":"'
      tail = text .. '"}}'
      local start = '{"channel":"bench","category":"service","to":{"phone":"+'
      local length = #start + 12 + #middle + 25 + #tail
      head = "POST /v1/messages HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " .. key ..
         "\r\nContent-Type: application/json\r\nContent-Length: " .. length .. "\r\n\r\n" .. start
   else
      head = "GET /cgi-bin/sendsms?username=bench&password=" .. key .. "&from=Tienda&to=%2B"
      middle = "&text="
      tail = text:gsub(" ", "+")
      if args[7] then
         tail = tail .. "&dlr-mask=31&dlr-url=" .. args[7]:gsub("[^%w]", function(c)
            return string.format("%%%02X", c:byte())
         end)
      end
      tail = tail .. " HTTP/1.1\r\nHost: bench\r\n\r\n"
   end
end

function request()
   local i = n
   n = n + 1
   local who = i % customers
   ffi.C.clock_gettime(1, now)
   return head .. hi[(who - who % 1000) / 1000] .. lo[who % 1000] .. middle ..
      string.format("%016.0f%09d", tonumber(now.sec) * 1e6 + math.floor(tonumber(now.nsec) / 1000), i) .. tail
end

function done(summary, latency)
   report(summary, latency)
end
