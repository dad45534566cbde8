-- Drives the daemon with Neovim's own LSP client and writes what it saw to the file in $SEEN.
local seen = {}
vim.cmd.edit(vim.fn.glob(vim.env.REPO .. '/contexts/features/FEAT-001*.yaml'))
local id = assert(vim.lsp.start({
  name = 'ckit',
  cmd = vim.json.decode(vim.env.DAEMON),
  root_dir = vim.fs.root(0, { '.context', '.git' }),
  init_options = { ckit = { protocolVersions = { '1.0' } } },
}))
local client
vim.wait(120000, function()
  client = vim.lsp.get_client_by_id(id)
  return client ~= nil and client.initialized
end, 5)

local function codes()
  local answer = client:request_sync('ckit/repo/validate', {}, 120000)
  if answer.err then
    return { answer.err.message }
  end
  return vim.tbl_map(function(finding) return finding.code end, answer.result.findings)
end

seen.encoding = client.offset_encoding
seen.atFirst = codes()
local line = vim.fn.search('US-001')
vim.fn.setline(line, (vim.fn.getline(line):gsub('US%-001', 'US-099')))
vim.fn.append(0, '# 😀')
seen.afterTyping = codes()
vim.cmd('silent %delete')
seen.emptied = #codes() > 0
vim.cmd('silent earlier 1f')
seen.undone = codes()

local called = false
local _, request = client:request('ckit/pipeline/run', { name = 'generate', dryRun = true }, function() called = true end)
client:cancel_request(request)
seen.afterCancel = codes()
seen.called = called
vim.fn.writefile({ vim.json.encode(seen) }, vim.env.SEEN)
vim.cmd('quitall!')
