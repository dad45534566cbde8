-- Everything that costs time is loaded when it is used.
if vim.g.loaded_ckit then
  return
end
vim.g.loaded_ckit = true

vim.api.nvim_create_user_command('Ckit', function(command)
  require('ckit.commands').run(command)
end, {
  nargs = '*',
  bang = true,
  range = true,
  desc = 'Check, search, ask and change a context repository',
  complete = function(lead, line, position)
    return require('ckit.complete').complete(lead, line, position)
  end,
})

vim.api.nvim_create_autocmd('FileType', {
  group = vim.api.nvim_create_augroup('ckit', {}),
  pattern = { 'yaml', 'markdown' },
  callback = function(event)
    -- The windows of the plugin are no files. Whether it is really a repository is looked at there.
    if vim.bo[event.buf].buftype == '' and vim.fs.root(event.buf, 'contexts') then
      local _, problem = require('ckit.client').attach(event.buf)
      if problem then
        -- Once is enough; the next file would say the same.
        vim.notify_once('ckit: ' .. problem, vim.log.levels.WARN)
      end
    end
  end,
})
