from hd_plugin.cli import run

run()
