// Waits for news of what is under way and goes on by itself. Without it the page looks again every two seconds.
const doing = document.getElementById("doing");
const asks = doing.dataset.asks === "1";
let seen = Number(doing.dataset.changes);

// Who has answered, or follows a link, is on the way to another page: news must not take them back to this one.
const left = new AbortController();
addEventListener("beforeunload", () => left.abort());

async function watch() {
  while (!left.signal.aborted) {
    let news;
    try {
      const address = `/doing/news?id=${encodeURIComponent(doing.dataset.id)}&seen=${seen}`;
      const answer = await fetch(address, { signal: left.signal });
      if (!answer.ok) return location.reload();
      news = await answer.json();
    } catch {
      if (left.signal.aborted) return;
      // The server is gone, or the network: look again in a while.
      await new Promise((go) => setTimeout(go, 2000));
      continue;
    }
    if (news.over || news.asks !== asks) return location.reload();
    seen = news.changes;
    const step = document.getElementById("step");
    if (step && news.step) step.textContent = news.step;
  }
}

watch();
