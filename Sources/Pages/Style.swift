/// The page's looks. Colours are those of Okabe and Ito, which colour-blind eyes tell apart, darker on white and brighter on
/// black, so that lines have a contrast of 3 and text one of 4.5 at least.
enum Style {
  // No `<` or `&`: it stands in the markup as it is.
  static let text = """
    :root{color-scheme:light dark;--paper:#fff;--ink:#1b1e23;--soft:#555c66;--rule:#c9ced6;--wash:#f4f5f7;\
    --link:#0b57a4;--warn:#fff4d6;--edge:#9a6700;--a:#0067a8;--b:#b34a00;--c:#00775a;--q:#717884}
    @media (prefers-color-scheme:dark){:root{--paper:#14171b;--ink:#e7e9ec;--soft:#aab1bb;--rule:#3b424c;--wash:#1d2126;\
    --link:#7fbdf5;--warn:#322a14;--edge:#d9a520;--a:#56b4e9;--b:#f0a040;--c:#3fc79a;--q:#949ba6}}
    *{box-sizing:border-box}
    html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
    body{margin:0 auto;max-width:66rem;padding:1.25rem 1.25rem 3rem;background:var(--paper);color:var(--ink);\
    font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
    h1{font-size:1.7rem;line-height:1.25;margin:.5rem 0}
    h2{font-size:1.3rem;margin:2.4rem 0 .6rem;padding-top:.6rem;border-top:2px solid var(--rule)}
    h3{font-size:.95rem;margin:0 0 .4rem}
    p,ul,ol{margin:.5rem 0;max-width:46rem}
    li{margin:.15rem 0}
    a{color:var(--link)}
    .lead{color:var(--soft);font-size:1.05rem}
    .skip{position:absolute;left:-99rem}
    .skip:focus{left:1rem;top:.5rem;padding:.4rem .8rem;background:var(--paper);z-index:1}
    :focus-visible{outline:3px solid var(--link);outline-offset:2px}
    main:focus{outline:none}
    nav ol{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;padding:0;max-width:none}
    nav a{display:inline-block;padding:.25rem 0}
    dl{margin:0}
    .facts dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.2rem 1.5rem;margin:.8rem 0}
    .facts dl div{padding:.25rem 0;border-bottom:1px solid var(--rule)}
    dt{color:var(--soft);font-size:.85rem}
    dd{margin:0}
    .card dl div{margin-bottom:.3rem}.card dt{font-size:.8rem;line-height:1.3}.card dd{font-size:.92rem;line-height:1.3}
    .notice{background:var(--warn);border-left:5px solid var(--edge);padding:.55rem .8rem}
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1.2rem 2rem;margin:1rem 0}
    figure{margin:0;min-width:0}
    .name{font-weight:600;margin:.2rem 0}
    .chart{max-width:34rem}
    figcaption{color:var(--soft);font-size:.9rem}
    .plot{display:block;width:100%;height:auto}
    .plot text{font-size:14px;fill:var(--soft)}
    .grid{stroke:var(--rule);stroke-width:1;fill:none;opacity:.55}
    .axis{stroke:var(--soft);stroke-width:1.2;fill:none}
    .line{fill:none;stroke-width:2.2;stroke-linejoin:round}
    .a{stroke:var(--a)}.b{stroke:var(--b)}.c{stroke:var(--c)}.q{stroke:var(--q)}
    .line.b{stroke-dasharray:8 4}.line.c{stroke-dasharray:8 3 2 3}.line.q{stroke-width:1;opacity:.8}.rule.q{stroke-dasharray:3 4;stroke-width:1.6;opacity:1}
    .fill{stroke:none;fill-opacity:.3}.fill.a{fill:var(--a)}.fill.b{fill:var(--b)}.fill.c{fill:var(--c)}\
    .fill.q{fill:var(--q)}
    rect.fill{fill-opacity:.75}
    .mark{fill:none;stroke-width:1.9;stroke-linecap:round}
    .mark.a,.mark.q{stroke-width:5.5}.mark.q{opacity:.5}
    .legend{list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;padding:0;margin:.1rem 0;font-size:.9rem}
    .legend li{margin:0}
    .sample{width:28px;height:14px;vertical-align:-2px;margin-right:.35rem}
    .wide{overflow-x:auto;margin:.2rem 0 1.2rem;max-width:100%}
    table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums;overflow-wrap:normal}
    td{white-space:nowrap}
    th,td{padding:.3rem .7rem;border-bottom:1px solid var(--rule);text-align:right;vertical-align:top}
    th:first-child{text-align:left;padding-left:0;min-width:9rem;max-width:24rem;overflow-wrap:anywhere}
    thead th{color:var(--soft);font-weight:600;border-bottom-color:var(--soft)}
    tbody th{font-weight:400}
    .more{color:var(--soft);font-size:.9rem}
    summary{cursor:pointer;padding:.3rem 0;color:var(--link);width:fit-content}
    .cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr));gap:1rem;margin:1rem 0}
    .card{background:var(--wash);border:1px solid var(--rule);border-radius:6px;padding:.8rem;min-width:0}
    .pictures{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:.5rem;margin-top:.6rem}
    .two{grid-column:span 2}
    .picture img{display:block;width:100%;height:auto;background:#000;border-radius:3px}
    .picture figcaption{font-size:.8rem;line-height:1.3;margin-top:.2rem}
    .card p{font-size:.85rem;color:var(--soft)}
    footer{margin-top:2.5rem;border-top:2px solid var(--rule);color:var(--soft);font-size:.9rem}
    @media (max-width:40rem){body{padding:.8rem .8rem 2rem}h1{font-size:1.35rem}.plot text{font-size:17px}\
    nav ol{display:block;columns:2}th,td{padding:.3rem .4rem}th:first-child{min-width:6rem}.facts dl{grid-template-columns:1fr}.facts dl div{display:flex;\
    justify-content:space-between;gap:1rem}.facts dt{flex:none;max-width:46%;overflow-wrap:normal}\
    .facts dd{text-align:right}}
    @media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
    @media print{:root{color-scheme:light;--paper:#fff;--ink:#000;--soft:#333;--rule:#bbb;--wash:#fff;--link:#000;\
    --warn:#fff;--edge:#000;--a:#0067a8;--b:#b34a00;--c:#00775a;--q:#666}
    @page{margin:14mm}body{max-width:none;padding:0;font-size:10pt;print-color-adjust:exact;\
    -webkit-print-color-adjust:exact}nav,.skip{display:none}h2{break-after:avoid}figure,.card,tr,.notice{break-inside:avoid}\
    .name{break-after:avoid}.facts dl{grid-template-columns:repeat(3,1fr)}.charts,.cards{grid-template-columns:1fr 1fr}.wide{overflow:visible}\
    details:not([open]){display:none}}
    """
}
