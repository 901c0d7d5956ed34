// Presses the page's one button, so that people with script need not.
document.querySelector("form[data-auto-submit]")?.submit();
