-- The line that lib.sh reads, printed by every script of wrk's here.
function report(summary, latency)
   local e = summary.errors
   io.write(string.format("requests=%d us=%d p50=%d p99=%d bad=%d errors=%d\n", summary.requests,
      summary.duration, latency:percentile(50), latency:percentile(99), e.status,
      e.connect + e.read + e.write + e.timeout))
end
