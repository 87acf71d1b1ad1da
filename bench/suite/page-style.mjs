// How the page looks, in light and in dark. Colour is never the only sign: what is marked also says so.

const LIGHT =
  "--ink:#1f2328;--soft:#57606a;--faint:#d0d7de;--paper:#ffffff;--raised:#f6f8fa;--link:#0550ae;--good:#116329;--good-paper:#dafbe1;--bad:#a40e26;--bad-paper:#ffebe9";
const DARK =
  "--ink:#e6edf3;--soft:#9da7b3;--faint:#373e47;--paper:#0d1117;--raised:#161b22;--link:#79c0ff;--good:#7ee787;--good-paper:#12261e;--bad:#ffa198;--bad-paper:#2d1315";

export const PAGE_STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:84.5rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,Helvetica,Arial,sans-serif}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .5rem}
h2{font-size:1.35rem;margin:2.5rem 0 .5rem;padding-top:.5rem;border-top:1px solid var(--faint)}
h3{font-size:1.1rem;margin:1.5rem 0 .5rem}h4{margin:1rem 0 .3rem}
p,ul{max-width:48rem}li,dd,code{overflow-wrap:anywhere}
a{color:var(--link)}:focus-visible{outline:3px solid var(--link);outline-offset:2px}main:focus{outline:none}
.skip{position:absolute;left:-99rem}.skip:focus{position:static}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;max-width:none;margin:1rem 0;padding:.75rem 1rem;list-style:none;background:var(--raised);border-radius:6px}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding:.25rem 0;max-width:60rem}
th,td{padding:.3rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--faint)}
thead th{background:var(--raised)}tbody th{font-weight:600}
td{white-space:nowrap}td:last-child{white-space:normal;min-width:9rem}
small,.soft{color:var(--soft)}
.won{background:var(--good-paper);color:var(--good);font-weight:600}.won small{color:inherit;font-weight:400}
.bad{background:var(--bad-paper);color:var(--bad)}.bad small{color:inherit}p.bad,.note{padding:.3rem .7rem}.note{background:var(--raised)}
.charts{display:flex;flex-wrap:wrap;align-items:flex-start;gap:.75rem;margin:.75rem 0}
figure{margin:0;max-width:100%;border:1px solid var(--faint);border-radius:6px;overflow:hidden}
figure svg{display:block;max-width:100%;height:auto}
summary{cursor:pointer;padding:.3rem 0;color:var(--link)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(18rem,1fr));gap:.5rem 1rem;margin:0}
dt{color:var(--soft);font-size:.875rem}dd{margin:0}
@media print{details{display:block}nav,.skip{display:none}}
`.trim();
