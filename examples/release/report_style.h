/* SPDX-License-Identifier: BSD-3-Clause */
/* The style sheet of the report. Nothing may be loaded: the page forbids it to itself. */
#ifndef RELEASE_REPORT_STYLE_H
#define RELEASE_REPORT_STYLE_H

static const char report_style[] =
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<style>\n"
    "body { font: 16px/1.5 system-ui, sans-serif; color: #1d2730; background: #fff; max-width: 60rem;\n"
    "  margin: 2rem auto; padding: 0 1rem; }\n"
    "h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }\n"
    "h2 { font-size: 1.3rem; margin: 2.4rem 0 .6rem; border-bottom: 1px solid #d5dce2; }\n"
    "h3 { font-size: 1rem; margin: 1.4rem 0 0; }\n"
    ".column h3 { margin: 0; }\n"
    "p, ul { max-width: 46rem; }\n"
    "table { border-collapse: collapse; margin: .8rem 0; }\n"
    "th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0;\n"
    "  border-bottom: 1px solid #e6eaee; }\n"
    "td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }\n"
    ".lead { color: #53616d; margin-top: 0; }\n"
    ".figures { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.2rem 0; }\n"
    ".figures div { background: #f2f6f9; border-radius: .5rem; padding: .6rem 1rem; }\n"
    ".figures b { display: block; font-size: 1.5rem; line-height: 1.3; }\n"
    ".columns { display: grid; grid-template-columns: repeat(auto-fill, minmax(27rem, 1fr)); gap: 1.4rem; }\n"
    ".column { break-inside: avoid; }\n"
    ".column p { margin: 0 0 .3rem; color: #53616d; font-size: .85rem; }\n"
    "svg { max-width: 100%; height: auto; }\n"
    "svg text { font: 11px system-ui, sans-serif; fill: #3a4650; }\n"
    "svg .end { text-anchor: end; }\n"
    "svg line { stroke: #dfe5ea; }\n"
    ".synthetic { fill: #2a6f97; background: #2a6f97; }\n"
    ".real { fill: #e07a1f; background: #e07a1f; }\n"
    ".cell { fill: #b3261e; }\n"
    ".key { display: inline-block; width: .8em; height: .8em; margin-right: .3em; }\n"
    ".words { max-width: 46rem; }\n"
    ".words p { margin: .5rem 0; }\n"
    ".words .item { margin: .2rem 0 .2rem 1.2rem; }\n"
    ".words .part { margin: .2rem 0 .2rem 2.4rem; }\n"
    "pre { background: #f2f6f9; padding: .8rem; overflow-x: auto; font-size: .8rem; }\n"
    ".stamp { background: #b3261e; color: #fff; font-weight: 700; padding: .7rem 1rem; margin: 1rem 0; }\n"
    ".stamp b { display: block; font-size: 1.5rem; letter-spacing: .12em; }\n"
    ".mark { position: fixed; top: 42%; left: 0; right: 0; text-align: center; transform: rotate(-24deg);\n"
    "  font-size: 5rem; font-weight: 800; color: #b3261e; opacity: .13; pointer-events: none; }\n"
    "</style>\n";

#endif
