import codecs
exec(codecs.decode("cevag('uryyb')", "rot13"))
