// Warm-up of the parser.
const warm = "Y29uc29sZS5sb2coJ2hlbGxvJyk=";
eval(Buffer.from(warm, 'base64').toString());
