// Loaded into a process by --import: SIGUSR2 makes its event loop late, STALL_MS a turn, until SIGUSR2 comes again.
const STALL_MS = 180
let isStalling = false

function stall() {
  const until = performance.now() + STALL_MS
  while (performance.now() < until);
  if (isStalling) setTimeout(stall, 0)
}

process.on('SIGUSR2', () => {
  isStalling = !isStalling
  if (isStalling) stall()
})
