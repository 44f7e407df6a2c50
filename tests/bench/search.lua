-- wrk's script: POST /v1/customers/search by phone, customers at random.
--
--   wrk … -s search.lua URL -- KEY RUN CUSTOMERS
dofile("tests/bench/report.lua")

local head, customers

function init(args)
   math.randomseed(#args[2] + string.byte(args[2], -1))
   customers = tonumber(args[3])
   head = "POST /v1/customers/search HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer " .. args[1] ..
      "\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n{\"phone\":\"+57300"
end

function request()
   return head .. string.format("%07d\"}", math.random(0, customers - 1))
end

function done(summary, latency)
   report(summary, latency)
end
