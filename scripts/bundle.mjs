// Packs the command line and all that it needs into a few files under dist/, for the image. A hundred containers on a small
// machine wait for each other's start, and a start is mostly modules: this one takes about half the CPU time of four hundred
// files. What is loaded on demand stays a file of its own, and `dist/cli/main.js` keeps its name.

import http from "node:http";
import { build } from "vite";

/**
 * `node:http` by way of the loader of built-in modules: an `import` of it reads every export once, `WebSocket` among them,
 * and that one loads the whole of undici, which costs more than everything else that Node loads for us.
 */
const plainHttp = {
  name: "plain-http",
  enforce: "pre",
  resolveId: (id) => (id === "http" || id === "node:http" ? "\0http" : null),
  load: (id) => {
    if (id !== "\0http") return null;
    const names = Object.keys(Object.getOwnPropertyDescriptors(http)).filter((name) => name !== "default");
    const lazy = new Set(["WebSocket", "CloseEvent", "MessageEvent"]);
    const eager = names.filter((name) => !lazy.has(name));
    return `const http = process.getBuiltinModule("node:http");\nexport default http;\nexport const { ${eager.join(", ")} } = http;\n`;
  },
};

/**
 * Half a megabyte of tables for character sets of East Asia, which a node would hold in memory for nothing: it reads JSON
 * alone, which is Unicode (RFC 8259, 8.1), and body-parser refuses any other with a 415 before it decodes.
 */
const noOtherCharacterSets = {
  name: "no-other-character-sets",
  enforce: "pre",
  load: (id) =>
    /iconv-lite\/encodings\/(?:dbcs|sbcs)-data(?:-generated)?\.js/.test(id) ? "module.exports = {};" : null,
};

await build({
  configFile: false,
  logLevel: "error",
  plugins: [plainHttp, noOtherCharacterSets],
  // A source stays in memory, at two bytes a letter if one is not ASCII. Names stay: they are what a stack trace is read for.
  esbuild: { charset: "ascii", minifyIdentifiers: false, minifySyntax: true, minifyWhitespace: true },
  // Nothing is left to be resolved when it runs.
  ssr: { noExternal: true },
  build: {
    ssr: true,
    target: "node20",
    outDir: "dist",
    minify: "esbuild",
    rollupOptions: {
      input: { main: "src/cli/main.ts" },
      output: { entryFileNames: "cli/[name].js", chunkFileNames: "cli/[name]-[hash].js" },
    },
  },
});
